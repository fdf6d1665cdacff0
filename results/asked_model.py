"""Which weights somebody wants to have measured: a file that the job left, a checkpoint, or what it began with."""

from dataclasses import dataclass
from typing import Any

from contract.problems import Invalid, Problem, gettext_noop, unknown
from jobs import history, weights
from jobs.models import Artifact, Job

RUNNABLE = ("safetensors", "onnx", "onnx-int8", "onnx-int8-static", "pt2", "litert")
"""formats that a device can run"""
START, CHECKPOINT = "start", "checkpoint"
"""in the place of a file's name: the model as the job began with it, and one of its checkpoints"""


@dataclass(frozen=True)
class Asked:
    """`artifact` names it for people; `payload` is what the errand says of it."""

    artifact: str
    payload: dict[str, Any]
    sha256: str = ""
    step: int | None = None


def of(job: Job, artifact: Any, checkpoint: Any) -> Asked:
    """`checkpoint`: a step, or None. Raises Invalid."""
    if checkpoint is not None:
        return _checkpoint(job, checkpoint)
    if artifact == START:
        return _start(job)
    file = _file(job, artifact)
    return Asked(file.name, {"source": job.pk, "artifact": file.name}, file.sha256)


def runnable(job: Job) -> list[Artifact]:
    """Files of the job that lie on the server and that a device can run."""
    return [row for row in history.shown_artifacts(job) if row.format in RUNNABLE and history.is_here(row)]


def _file(job: Job, name: Any) -> Artifact:
    left = {row.name: row for row in history.shown_artifacts(job) if row.format in RUNNABLE}
    if not left:
        sentence = gettext_noop("The job has left no file yet. Name a 'checkpoint' that is on the server: %(there)s.")
        raise Invalid([Problem("artifact", sentence, {"there": _steps_here(job)})])
    if not isinstance(name, str) or name not in left:
        raise Invalid([unknown("artifact", str(name), left)])
    if not history.is_here(left[name]):
        sentence = gettext_noop("'%(name)s' does not lie on the server. Wait until it is uploaded.")
        raise Invalid([Problem("artifact", sentence, {"name": name})])
    return left[name]


def _checkpoint(job: Job, step: Any) -> Asked:
    row = weights.checkpoint_here(job, step) if type(step) is int and 0 < step < 2**53 else None
    if row is None:
        sentence = gettext_noop("The server has no checkpoint of step %(step)s. It has: %(there)s.")
        raise Invalid([Problem("checkpoint", sentence, {"step": str(step)[:20], "there": _steps_here(job)})])
    files = weights.of_checkpoint(row)
    told = {"source": job.pk, "artifact": weights.WEIGHTS, "files": files}
    [sha256] = [file["sha256"] for file in files if file["name"] == weights.WEIGHTS]
    return Asked(CHECKPOINT, told, sha256, row.step)


def _steps_here(job: Job) -> str:
    return ", ".join(str(row.step) for row in weights.checkpoints_here(job)) or "—"


def _start(job: Job) -> Asked:
    """Of a job that went on from another one: the very files that it began with."""
    files = weights.began_with(job)
    if gone := weights.missing(files):
        sentence = gettext_noop("What the job began with does not lie on the server any more: %(files)s.")
        raise Invalid([Problem("artifact", sentence, {"files": ", ".join(gone)})])
    told = {"source": job.source_id, "base_model": job.base_model_id, "artifact": START}
    return Asked(START, told | ({"files": files} if files else {}))
