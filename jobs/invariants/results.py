"""I5, durable results: every listed artifact and checkpoint is whole, enough are kept, success left what was asked."""

from collections.abc import Iterator

from contract.timing import CHECKPOINTS_KEEP
from jobs import checkpoints, file_store
from jobs.invariants.scope import Scope, Violation
from jobs.models import Artifact, Checkpoint, Job
from jobs.states import ENDED, JobState


def check(scope: Scope) -> Iterator[Violation]:
    yield from _artifacts(scope)
    yield from _asked_formats(scope)
    for job in scope.jobs().order_by("id").iterator():
        yield from _checkpoints(job)


def _artifacts(scope: Scope) -> Iterator[Violation]:
    """The bytes under a hash have that hash and size."""
    checked: dict[str, str] = {}
    verified = Artifact.objects.filter(job__in=scope.jobs()).exclude(verified_at=None).order_by("id")
    for artifact in verified.iterator():
        path = file_store.path_of("artifacts", artifact.sha256)
        rows = {"job": artifact.job_id, "artifact": artifact.name, "sha256": artifact.sha256[:12]}
        if not path.is_file():
            yield Violation("I5", "an artifact's file is not there", rows)
        elif path.stat().st_size != artifact.bytes:
            yield Violation("I5", "an artifact's file has another size", rows | {"bytes": artifact.bytes})
        elif checked.setdefault(artifact.sha256, file_store.hash_of(path)) != artifact.sha256:
            yield Violation("I5", "an artifact's file has another hash", rows)


def _asked_formats(scope: Scope) -> Iterator[Violation]:
    """A success has a file, or the reason why there is none, for every format that was asked for."""
    for job in scope.jobs().filter(state=JobState.SUCCEEDED).order_by("id"):
        last = job.attempts.order_by("-number").first()
        made = job.artifacts.filter(attempt=last)
        there = {row.format for row in made if row.verified_at or row.error}
        for wanted in set(job.spec["export"]["formats"]) - there:
            yield Violation("I5", "a succeeded job lacks a format", {"job": job.pk, "format": wanted})
        for row in made:
            if not row.verified_at and not row.error:
                rows = {"job": job.pk, "artifact": row.name}
                yield Violation("I5", "a succeeded job has an artifact that was never verified", rows)


def _checkpoints(job: Job) -> Iterator[Violation]:
    rows = list(job.checkpoints.order_by("step", "id"))
    for row in rows:
        if row.state == "complete" and not checkpoints.survives_its_host(row):
            yield Violation("I5", "a complete checkpoint would not outlive its host", _named(row))
    kept = {row.step for row in rows if row.state in checkpoints.USABLE}
    began = job.attempts.exclude(started_at=None).order_by("-number").first()
    saved = {row.step for row in rows if began and row.attempt_id == began.pk and row.state != "damaged"}
    if job.state not in ENDED and len(kept) < min(CHECKPOINTS_KEEP, len(saved)):
        yield Violation("I5", "fewer checkpoints are kept than promised", {"job": job.pk, "kept": sorted(kept)})
    for attempt in job.attempts.exclude(resumed_from_step=None):
        step = attempt.resumed_from_step
        if step and not any(row.step == step for row in rows):
            facts = {"job": job.pk, "attempt": attempt.pk, "step": step}
            yield Violation("I5", "an attempt went on from a checkpoint that nobody reported", facts)


def _named(row: Checkpoint) -> dict:
    return {"job": row.job_id, "checkpoint": row.pk, "step": row.step}
