"""What an event of a rank means for its job: proofs, checkpoints, artifacts, evaluations (`contract/events.py`).

Called by the ingest in the transaction that stores the event's batch, with the job's row locked. An attempt that has
ended still leaves its checkpoints and results, but moves nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from contract.events import Event, EventType
from jobs import attempts, checkpoints, clock, file_store, starting
from jobs.models import Artifact, Attempt, Evaluation, Job, Rank
from jobs.states import AttemptState

RESUME_STEP = "resume step"
"""the choice by which ranks tell that they could not go on from the step they were given"""


def apply(rank: Rank, event: Event) -> None:
    """Apply one event of `rank`. Raises ValueError when its data is not what its type promises."""
    attempt = Attempt.objects.get(pk=rank.attempt_id)
    job = Job.objects.select_for_update(no_key=True).get(pk=attempt.job_id)
    attempt.job = job
    now = clock.now()
    try:
        HANDLERS[EventType(event.type)](job, attempt, rank, event, now)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"event {event.type} is not of the expected form: {error!r}") from error
    if attempt.ended_at is None:
        attempts.put_off_deadline(job, now)


def _started(job: Job, attempt: Attempt, rank: Rank, event: Event, _now: datetime) -> None:
    _prove(job, attempt, rank, "started", {"cadences": event.data.get("cadences", {}), "pid": event.data.get("pid", 0)})
    if attempt.ended_at is None:
        Job.objects.filter(pk=job.pk).update(
            total_steps=event.data["total_steps"], steps_per_epoch=event.data["steps_per_epoch"]
        )


def _stage(job: Job, attempt: Attempt, rank: Rank, event: Event, now: datetime) -> None:
    stage, ended = event.data["stage"], event.data["state"] == "ended"
    Rank.objects.filter(pk=rank.pk).update(stage=stage)
    if ended:
        facts = {key: value for key, value in event.data.items() if key not in ("stage", "state")}
        _prove(job, attempt, rank, stage, facts)
    if attempt.ended_at is not None:
        return
    Job.objects.filter(pk=job.pk).exclude(stage=stage).update(stage=stage)
    if ended and stage == "compile":
        starting.run_when_compiled(job, attempt, now)


def _checkpoint(job: Job, attempt: Attempt, rank: Rank, event: Event, _now: datetime) -> None:
    if _superseded(attempt):
        return
    row = checkpoints.note(job, rank, event)
    if checkpoints.saved_by_all(row, attempt.world_size):
        checkpoints.let_older_ones_go(row)
        if attempt.ended_at is None and row.step > (attempt.resumed_from_step or 0):
            Job.objects.filter(pk=job.pk, failures__gt=0).update(failures=0)


def _evaluation(job: Job, attempt: Attempt, rank: Rank, event: Event, _now: datetime) -> None:
    Evaluation.objects.update_or_create(
        job=job,
        attempt=attempt,
        device_id=rank.device_id,
        artifact=event.data["artifact"],
        split=event.data["split"],
        defaults={"samples": event.data["samples"], "metrics": dict(event.data["metrics"])},
    )


def _artifact(job: Job, attempt: Attempt, _rank: Rank, event: Event, now: datetime) -> None:
    sha256 = event.data.get("sha256", "")
    there = bool(sha256) and file_store.has("artifacts", sha256)
    Artifact.objects.update_or_create(
        job=job,
        attempt=attempt,
        name=event.data["name"],
        defaults={
            "format": event.data["format"],
            "bytes": event.data.get("bytes", 0),
            "sha256": sha256,
            "error": event.data.get("error", ""),
            "verified_at": now if there else None,
        },
    )


def _choice(job: Job, attempt: Attempt, rank: Rank, event: Event, _now: datetime) -> None:
    choice = {key: event.data[key] for key in ("what", "chosen", "reason")}
    _prove(job, attempt, rank, "choices", {choice["what"]: choice}, merge=True)
    if choice["what"] == RESUME_STEP and rank.rank == 0:
        _went_back_further(attempt, int(choice["chosen"]))


def _went_back_further(attempt: Attempt, step: int) -> None:
    """A checkpoint turned out damaged when it was loaded: the ranks begin before the step that was chosen for them."""
    Attempt.objects.filter(pk=attempt.pk, state=AttemptState.STARTING, resumed_from_step__gt=step).update(
        resumed_from_step=step
    )


HANDLERS: dict[EventType, Callable[[Job, Attempt, Rank, Event, datetime], None]] = {
    EventType.STARTED: _started,
    EventType.STAGE: _stage,
    EventType.CHECKPOINT: _checkpoint,
    EventType.EVALUATION: _evaluation,
    EventType.ARTIFACT: _artifact,
    EventType.CHOICE: _choice,
}


def _prove(job: Job, attempt: Attempt, rank: Rank, stage: str, facts: dict[str, Any], merge: bool = False) -> None:
    """Keep what a rank proved, beside the rank and, while its attempt lives, on the job."""
    before = Rank.objects.values_list("proofs", flat=True).get(pk=rank.pk)
    facts = (before.get(stage, {}) if merge else {}) | facts
    rank.proofs = before | {stage: facts}
    Rank.objects.filter(pk=rank.pk).update(proofs=rank.proofs)
    if attempt.ended_at is None:
        of_stage = job.proofs.get(stage, {}) | {str(rank.rank): facts}
        job.proofs = job.proofs | {stage: of_stage}
        Job.objects.filter(pk=job.pk).update(proofs=job.proofs)


def _superseded(attempt: Attempt) -> bool:
    """A later attempt has begun to run: nothing of this one may be gone on from."""
    later = Attempt.objects.filter(job_id=attempt.job_id, number__gt=attempt.number)
    return attempt.ended_at is not None and later.exclude(started_at=None).exists()
