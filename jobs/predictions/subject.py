"""Which weights of a job answer: the model that it left, or else its newest checkpoint that lies on the server."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from jobs import file_store, weights
from jobs.models import Job
from jobs.states import ENDED, JobState


class Nothing(Exception):
    """The job has nothing to answer with yet, or no more; the text says what to wait for."""


@dataclass(frozen=True)
class Subject:
    """Files of a model: each name, sha256, bytes and kind (of `file_store`)."""

    job: Job
    files: list[dict[str, Any]]
    step: int | None
    """of the checkpoint; None for the model that the job left"""

    @property
    def bytes(self) -> int:
        return sum(file["bytes"] for file in self.files)

    @property
    def hash(self) -> str:
        """Under which devices keep it for the next question; "" for a checkpoint, which the next one replaces."""
        names = "".join(file["sha256"] for file in self.files)
        return "" if self.step is not None else hashlib.sha256(names.encode()).hexdigest()

    def paths(self) -> dict[str, Path]:
        """Where each file lies, by its name."""
        return {file["name"]: file_store.path_of(file["kind"], file["sha256"]) for file in self.files}


def newest(job: Job) -> Subject:
    """Raises Nothing."""
    if job.state == JobState.SUCCEEDED:
        rows = [row for row in weights.artifacts_of(job) if file_store.has("artifacts", row.sha256)]
        files = weights.named(rows)
        if set(weights.MODEL_FILES) <= {file["name"] for file in files}:
            return Subject(job, sorted(files, key=lambda file: file["name"]), None)
        raise Nothing(_("This job left no model.safetensors with its config.json on the server."))
    if found := weights.checkpoints_here(job):
        return Subject(job, weights.of_checkpoint(found[0]), found[0].step)
    if job.state in ENDED:
        raise Nothing(_("This job ended before a checkpoint came to the server: there is nothing to try."))
    raise Nothing(_("No checkpoint has come to the server yet. The first one can be tried as soon as it is there."))
