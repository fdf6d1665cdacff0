"""The job that a test of the fleet gives its devices: a finished one's model and data, or a small net."""

from dataclasses import dataclass
from typing import Any

from accounts.models import User
from accounts.permissions import visible
from catalog import services as catalog
from catalog.models import Dataset, DatasetState, PreparedData, PreparedState
from contract.problems import Invalid, Problem, gettext_noop, unknown
from contract.spec import Method
from contract.spec_parallel import Parallel
from jobs import history
from jobs.models import Job
from jobs.services.submitting import check
from jobs.states import JobState
from results.asked_model import RUNNABLE

WEIGHTS = "model.safetensors"
SMALL = ("image-classification", "tabular-classification", "tabular-regression")
"""tasks for which a small net needs nothing but data"""
STEPS = {"max_steps": 1_000_000, "lr_scheduler_type": "constant", "warmup_steps": 0, "warmup_ratio": 0.0}
"""a speed test takes as many steps as fit into its time, whatever the job's plan was"""


@dataclass(frozen=True)
class Subject:
    spec: dict[str, Any]
    prepared: PreparedData
    dataset: str
    job: Job | None = None
    artifact: str = ""

    def payload(self) -> dict[str, Any]:
        """Of the errands."""
        told = {"spec": self.spec, "prepared": self.prepared.pk, "source": self.job.pk if self.job else None}
        return told | ({"artifact": self.artifact} if self.artifact else {})


def chosen(owner: User, job: Any = None, artifact: Any = None, *, keeps_strategy: bool) -> Subject:
    """What devices are tested with: job number `job`, else the newest with a model here, else a net on any data.

    `keeps_strategy`: share the model as the job does, instead of one copy on each device. Raises Invalid.
    """
    finished = visible(owner, Job.objects.filter(state=JobState.SUCCEEDED, removed_at=None)).order_by("-id")
    finished = finished.filter(prepared__state=PreparedState.READY).select_related("prepared", "version__dataset")
    if job is not None:
        found = finished.filter(pk=job).first() if type(job) is int and 0 < job < 2**53 else None
        if found is None or not _files(found):
            sentence = gettext_noop("Job %(job)s left no model whose files lie here. Choose a job that succeeded.")
            raise Invalid([Problem("job", sentence, {"job": str(job)[:20]})])
        return _of_job(found, artifact, keeps_strategy)
    newest = next((found for found in finished[:20] if _files(found)), None)
    return _of_job(newest, artifact, keeps_strategy) if newest else _small(owner)


def _of_job(job: Job, artifact: Any, keeps_strategy: bool) -> Subject:
    files = _files(job)
    name = WEIGHTS if artifact in (None, "") else artifact
    if name not in files:
        raise Invalid([unknown("artifact", str(name), files)])
    spec = job.spec | {"model": {"source": "job", "id": job.pk}, "training": job.spec["training"] | STEPS}
    if not keeps_strategy:
        spec |= {"parallel": vars(Parallel()), "method": vars(Method()), "security": {}}
    return Subject(spec, job.prepared, job.version.dataset.slug, job, name)


def _files(job: Job) -> list[str]:
    """Names of files that a device can run; none without the weights and what builds their net."""
    here = {row.name: row for row in history.shown_artifacts(job) if history.is_here(row)}
    whole = WEIGHTS in here and "config.json" in here
    return [name for name, row in here.items() if row.format in RUNNABLE] if whole else []


def _small(owner: User) -> Subject:
    data = visible(owner, Dataset.objects.filter(state=DatasetState.READY, removed_at=None, task__in=SMALL))
    dataset = data.order_by("id").first()
    if dataset is None:
        sentence = gettext_noop("There is neither a finished job nor data to test with. Add a dataset first.")
        raise Invalid([Problem("job", sentence)])
    body = {"task": dataset.task, "dataset": dataset.slug, "model": {"source": "dense"}, "training": STEPS}
    checked = check(owner, body)
    spec = checked.spec.to_json() | {"recipe": checked.steps}
    return Subject(spec, catalog.prepare(checked.version, checked.steps), dataset.slug)
