"""What a job would take: devices, steps, time. Shown beside the new-job form while it is filled in."""

import math
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from accounts.permissions import visible
from catalog.models import Dataset, DatasetVersion
from contract.spec import JobSpec
from jobs.models import Job
from jobs.states import JobState

SURE_AFTER_PREFLIGHT = (0.9, 1.6)
SURE_BY_AN_EARLIER_JOB = (0.7, 1.5)
"""how far the true time may lie from the estimate: set here, widened by what preflight cannot see"""


@dataclass(frozen=True)
class Plan:
    """Empty parts are not known yet."""

    version: DatasetVersion | None = None
    samples: int = 0
    world: int = 0
    global_batch: int = 0
    steps: int = 0
    epochs: float = 0
    shortest: float = 0
    longest: float = 0
    """seconds of training, evaluation included; 0 = not known"""
    measured_by: Any = None
    """the Job whose speed was taken, "preflight", or None"""
    names: list[str] = field(default_factory=list)
    """of the chosen devices, when they are chosen by name"""
    memory: int = 0
    """bytes on the device that needs most, from a preflight; 0 = not known"""


def make(spec: JobSpec, actor: User, *, step_seconds: float = 0, memory: int = 0) -> Plan:
    """The plan of `spec`; `step_seconds` comes from a preflight, else from an earlier job that is like it."""
    version = _version(spec, actor)
    samples = int((version.splits.get("train") or {}).get("count", 0)) if version else 0
    world = spec.devices.wanted
    batch = spec.training.per_device_train_batch_size * world * spec.training.gradient_accumulation_steps
    steps = _steps(spec, samples, batch)
    measured_by: Any = "preflight" if step_seconds else None
    if not step_seconds:
        measured_by, step_seconds = _speed_of_an_earlier_job(spec, actor)
    low, high = SURE_AFTER_PREFLIGHT if measured_by == "preflight" else SURE_BY_AN_EARLIER_JOB
    seconds = steps * step_seconds
    return Plan(
        version,
        samples,
        world,
        batch,
        steps,
        steps * batch / samples if samples else 0,
        seconds * low,
        seconds * high,
        measured_by,
        spec.devices.ids,
        memory,
    )


def _version(spec: JobSpec, actor: User) -> DatasetVersion | None:
    dataset = visible(actor, Dataset.objects.filter(removed_at=None, slug=spec.dataset)).first()
    return dataset.versions.first() if dataset else None


def _steps(spec: JobSpec, samples: int, batch: int) -> int:
    if spec.training.max_steps > 0:
        return spec.training.max_steps
    return math.ceil(math.ceil(samples / batch) * spec.training.num_train_epochs) if samples else 0


def _speed_of_an_earlier_job(spec: JobSpec, actor: User) -> tuple[Job | None, float]:
    """The newest finished job with the same model, batch and number of devices, and its seconds a step."""
    alike = visible(actor, Job.objects.filter(state=JobState.SUCCEEDED, removed_at=None)).order_by("-id")[:50]
    for job in alike:
        known = job.spec
        if (
            known["model"] == spec.model
            and known["training"]["per_device_train_batch_size"] == spec.training.per_device_train_batch_size
            and (len(known["devices"]["ids"]) or known["devices"]["count"]) == spec.devices.wanted
            and known["dataset"] == spec.dataset
            and job.step
            and job.started_at
            and job.ended_at
        ):
            return job, (job.ended_at - job.started_at).total_seconds() / job.step
    return None, 0
