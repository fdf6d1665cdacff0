"""How an attempt ends, and with it what becomes of its job. A gang ends as a whole: the first accepted end closes it.

Everything here runs in the caller's transaction, with the job's row locked.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Max

from contract.reasons import CODE_OR_DATA, EndReason, WaitReason
from devices import leases
from jobs import checkpoints, claims, file_store, transitions, verdicts
from jobs.models import Attempt, Job, Rank
from jobs.planning import forecasts
from jobs.states import Actor, AttemptState, JobState
from jobs.verdicts import End, Said

LEAST_SPACE = 32 * 2**20
"""The least that a device is asked to have free after it was full: what its agent keeps in reserve."""
AVOID_S = 60
"""How long a job would rather not use a device that let it down (it does when no other is free)."""
PATIENCE_S = 3
"""How long a consequence waits for its cause to be reported by another rank."""
after_success: list[Callable[[Job], Any]] = []
"""Apps upstairs add what follows when a job has succeeded, in the same transaction."""
ATTEMPT_STATES = {"succeeded": AttemptState.SUCCEEDED, "failed": AttemptState.FAILED}


def settle(job: Job, attempt: Attempt, now: datetime, *, patience_over: bool = False) -> bool:
    """End the attempt if what its ranks have reported decides it."""
    ranks = list(attempt.ranks.all())
    artifacts_whole = not attempt_artifacts(attempt).filter(error="", verified_at=None).exists()
    decided = verdicts.judge(
        job.state, [_said(rank) for rank in ranks], artifacts_whole=artifacts_whole, patience_over=patience_over
    )
    if decided is not None:
        return end(job, attempt, decided, actor=Actor.ATTEMPT, now=now)
    if any(rank.exit_report and rank.exit_report["reason"] in verdicts.CONSEQUENCES for rank in ranks):
        _look_again_soon(job, now)
    return False


def attempt_artifacts(attempt: Attempt):
    """The files that this attempt has announced."""
    return attempt.job.artifacts.filter(attempt=attempt)


def end(job: Job, attempt: Attempt, ending: End, *, actor: Actor, now: datetime) -> bool:
    """Close the attempt and move its job on. Returns whether this end was the first."""
    planned = attempt.reason_params.get("why", "")
    reason = ending.reason or planned or ("" if ending.outcome == "succeeded" else EndReason.UNKNOWN)
    params = _params(job, attempt, ending)
    if not _close(attempt, ATTEMPT_STATES.get(ending.outcome, AttemptState.CANCELLED), reason, params, now):
        return False
    if ending.outcome == "succeeded":
        return _succeed(job, attempt, reason, params, actor, now)
    if job.state == JobState.CANCELLING:
        params |= {key: attempt.reason_params[key] for key in ("user", "at") if key in attempt.reason_params}
        return _finish(job, attempt, JobState.CANCELLED, EndReason.USER_CANCELLED, params, actor, now)
    if job.state == JobState.DRAINING and reason not in CODE_OR_DATA:
        return _requeue_as_planned(job, attempt, planned, params, actor, now)
    return _after_failure(job, attempt, reason, params, _blamed(attempt, params), actor, now)


def lose(job: Job, attempt: Attempt, device_id: int, now: datetime) -> bool:
    """The device has been silent for as long as its lease lasts (R6): the lease ends, and with it the attempt."""
    leases.release(device_id, attempt_id=attempt.pk, now=now)
    Rank.objects.filter(attempt=attempt, device_id=device_id, gone_at=None).update(gone_at=now)
    if attempt.ended_at is not None:
        return False
    if job.state in (JobState.CANCELLING, JobState.DRAINING):
        return settle(job, attempt, now)
    rank = attempt.ranks.select_related("device").get(device_id=device_id)
    params = {"device": rank.device.slug, "rank": rank.rank, "step": rank.step}
    lost = End("failed", EndReason.DEVICE_LOST, params, rank.rank)
    return end(job, attempt, lost, actor=Actor.RECONCILER, now=now)


def overdue(job: Job, attempt: Attempt, now: datetime) -> bool:
    """The job's deadline has passed and nobody has acted: do it for them (T6, T9, T12, T15, T18)."""
    if job.state == JobState.CANCELLING:
        return end(job, attempt, End("cancelled", EndReason.USER_CANCELLED), actor=Actor.RECONCILER, now=now)
    if job.state == JobState.DRAINING:
        return end(job, attempt, End("drained"), actor=Actor.RECONCILER, now=now)
    if settle(job, attempt, now, patience_over=True):
        return True
    behind = _hindmost(attempt, job.state)
    params = {"device": behind.device.slug, "rank": behind.rank, "step": behind.step}
    reason = EndReason.STALLED if job.state == JobState.RUNNING else EndReason.START_TIMEOUT
    return end(job, attempt, End("failed", reason, params, behind.rank), actor=Actor.RECONCILER, now=now)


def _said(rank: Rank) -> Said:
    report = rank.exit_report or {}
    return Said(
        rank=rank.rank,
        outcome=report.get("outcome", ""),
        reason=report.get("reason", ""),
        params=report.get("params", {}),
        gone=rank.gone_at is not None,
        delivered=rank.last_batch >= report.get("last_batch", 0),
    )


def _look_again_soon(job: Job, now: datetime) -> None:
    soon = now + timedelta(seconds=PATIENCE_S)
    Job.objects.filter(pk=job.pk, deadline_at__gt=soon).update(deadline_at=soon)


def _hindmost(attempt: Attempt, state: str) -> Rank:
    ranks = list(attempt.ranks.select_related("device"))
    if state == JobState.CLAIMED:
        return min(ranks, key=lambda rank: rank.acknowledged_at is not None)
    return min(ranks, key=lambda rank: (len(rank.proofs), rank.step))


def _close(attempt: Attempt, state: AttemptState, reason: str, params: dict[str, Any], now: datetime) -> bool:
    """The one moment in which an attempt ends. Those of its devices that still hold a lease are rung to stop."""
    row = Attempt.objects.filter(pk=attempt.pk, ended_at=None)
    if not row.update(state=state, end_reason=reason, reason_params=attempt.reason_params | params, ended_at=now):
        return False
    attempt.ended_at = now
    for device_id in attempt.ranks.exclude(gone_at=None).values_list("device_id", flat=True):
        leases.release(device_id, attempt_id=attempt.pk, now=now)
    claims.ring(attempt)
    transaction.on_commit(partial(file_store.forget_incoming, attempt.pk), robust=True)
    return True


def _params(job: Job, attempt: Attempt, ending: End) -> dict[str, Any]:
    """What the sentence of the end needs: beside what the rank told, which devices the ranks it names are."""
    slugs = dict(attempt.ranks.values_list("rank", "device__slug"))
    named = [number for number in (ending.rank, ending.params.get("peer")) if number in slugs]
    named += [number for number in ending.params.get("ranks", []) if number in slugs]
    known: dict[str, Any] = {"attempt": attempt.number, "checkpoint": checkpoints.newest_step(job)}
    if named:
        known |= {"device": slugs[named[0]], "devices": [slugs[number] for number in dict.fromkeys(named)]}
    return known | ending.params


def _finish(job, attempt, to: JobState, reason: str, params: dict, actor: Actor, now: datetime) -> bool:
    return transitions.move(
        job.pk,
        to,
        actor=actor,
        attempt=attempt,
        reason=reason,
        params=params,
        end_reason=reason,
        reason_params=params,
        wait_reason="",
        activity="",
        deadline_at=None,
        ended_at=now,
    )


def _succeed(job, attempt, reason: str, params: dict, actor: Actor, now: datetime) -> bool:
    done = _finish(job, attempt, JobState.SUCCEEDED, reason, params, actor, now)
    if done:
        forecasts.close(job, attempt, now)
    for follow in after_success if done else ():
        follow(job)
    return done


def _after_failure(job, attempt, reason: str, params: dict, blamed: set[int], actor: Actor, now: datetime) -> bool:
    verdict = verdicts.after(
        reason,
        failures=job.failures,
        max_attempts=job.spec["schedule"]["max_attempts"],
        attempts_ever=attempt.number,
    )
    never_started = job.state == JobState.CLAIMED and actor == Actor.RECONCILER
    if not verdict.again and not never_started:
        return _finish(job, attempt, JobState.FAILED, reason, params, actor, now)
    until = (now + timedelta(seconds=AVOID_S)).timestamp()
    avoid = {key: time for key, time in job.avoid.items() if time > now.timestamp()}
    counted = verdict.counted and not never_started
    waits = WaitReason.NO_SPACE if reason == EndReason.NO_SPACE else WaitReason.RETRY_DELAY
    delay_s = verdict.delay_s
    if waits == WaitReason.NO_SPACE:
        params |= {"need": space_needed(job)}
    return _requeue(
        job,
        attempt,
        actor,
        reason=reason,
        params=params,
        wait_reason=waits,
        reason_params=params | {"reason": reason, "seconds": round(delay_s)},
        not_before=now + timedelta(seconds=delay_s),
        failures=F("failures") + 1 if counted else job.failures,
        avoid=avoid | {str(device_id): until for device_id in blamed},
    )


def space_needed(job: Job) -> int:
    """Bytes to be free before a job that ran out of space goes on: twice its largest checkpoint."""
    largest = job.checkpoints.aggregate(largest=Max("bytes"))["largest"] or 0
    return 2 * max(largest, LEAST_SPACE)


def _requeue_as_planned(job, attempt, why: str, params: dict, actor: Actor, now: datetime) -> bool:
    """T14, T15: what was asked for has happened; it never counts as a failure."""
    why = why or EndReason.DRAINED
    held = why == EndReason.PAUSED
    return _requeue(
        job,
        attempt,
        actor,
        reason=why,
        params=params,
        wait_reason=WaitReason.PAUSED if held else WaitReason.RETRY_DELAY,
        reason_params=attempt.reason_params | params | {"reason": why, "seconds": 0},
        not_before=None if held else now,
    )


def _requeue(job, attempt, actor: Actor, *, reason: str, params: dict, **fields: Any) -> bool:
    return transitions.move(
        job.pk,
        JobState.PENDING,
        actor=actor,
        attempt=attempt,
        reason=reason,
        params=params,
        deadline_at=None,
        activity="",
        **fields,
    )


def _blamed(attempt: Attempt, params: dict[str, Any]) -> set[int]:
    """Ids of the devices that the end is laid to."""
    slugs = {params.get("device"), *params.get("devices", [])}
    return {rank.device_id for rank in attempt.ranks.select_related("device") if rank.device.slug in slugs}
