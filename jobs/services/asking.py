"""What people ask of a job that exists: stop, try again, pause, go on. What does not fit its state is Refused."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from contract import timing
from contract.reasons import EndReason, WaitReason
from devices import leases
from devices.models import Device
from jobs import checkpoints, claims, clock, live, transitions
from jobs.models import Attempt, Job
from jobs.states import Actor, AttemptState, JobState

CANCEL_S, FORCED_CANCEL_S = 10, 3
RUNNABLE = (JobState.CLAIMED, JobState.STARTING, JobState.RUNNING)
DELAYED = (WaitReason.PAUSED, WaitReason.SCHEDULED, WaitReason.RETRY_DELAY, WaitReason.NO_SPACE)


class Refused(Exception):
    """409: the job is not in a state that allows this. The sentence says in which it is."""


@transaction.atomic
def cancel(job: Job, actor: User, force: bool = False, *, via: str = "page", address: str | None = None) -> None:
    """Stop a job: at once while it waits, within 10 s (forced: 3 s) while it runs (T3, T17). Raises Refused."""
    now = clock.now()
    if not (_cancel_waiting(job, actor, now) or _cancel_driven(job, actor, force, now)):
        raise Refused(_already(job))
    audit.record(actor, "cancelled", job, via=via, after={"force": force}, address=address)


@transaction.atomic
def retry(job: Job, actor: User, start: bool = False, *, via: str = "page", address: str | None = None) -> None:
    """Try an ended job again, from its newest checkpoint or from the `start` (T19). Raises Refused."""
    if job.base_model and job.base_model.removed_at:
        raise Refused(_("The model that it starts from was removed. Clone the job and choose another model."))
    before = Job.objects.values_list("end_reason", flat=True).get(pk=job.pk)
    step = 0 if start else checkpoints.newest_step(job)
    moved = transitions.move(
        job.pk,
        JobState.PENDING,
        actor=Actor.USER,
        user=actor,
        only_from=[JobState.FAILED, JobState.CANCELLED],
        params={"from": "start" if start else "checkpoint", "step": step},
        failures=0,
        avoid={},
        end_reason="",
        wait_reason=WaitReason.RETRY_DELAY,
        reason_params={"reason": before, "checkpoint": step, "seconds": 0, "user": actor.username},
        not_before=None,
        ended_at=None,
        archived=False,
    )
    if not moved:
        raise Refused(_already(job))
    if start:
        checkpoints.take_back(job, after_step=None)
    audit.record(actor, "tried again", job, via=via, after={"start": start}, address=address)


@transaction.atomic
def pause(job: Job, actor: User, *, via: str = "page", address: str | None = None) -> None:
    """Hold a job: a waiting one keeps waiting, a running one ends at a checkpoint and then waits. Raises Refused."""
    held = Job.objects.filter(pk=job.pk, state=JobState.PENDING).exclude(wait_reason=WaitReason.PAUSED)
    params = {"user": actor.username, "checkpoint": checkpoints.newest_step(job), "at": clock.now().isoformat()}
    if held.update(wait_reason=WaitReason.PAUSED, reason_params=params):
        transaction.on_commit(lambda: live.publish_state(job.pk), robust=True)
    elif not drain(job, EndReason.PAUSED, Actor.USER, user=actor):
        raise Refused(_already(job))
    audit.record(actor, "paused", job, via=via, address=address)


@transaction.atomic
def resume(job: Job, actor: User, *, via: str = "page", address: str | None = None) -> None:
    """Let a job that is held, scheduled or delayed start as soon as it can. Raises Refused."""
    waiting = Job.objects.filter(pk=job.pk, state=JobState.PENDING, wait_reason__in=DELAYED)
    params = {"reason": "resumed", "user": actor.username, "seconds": 0, "checkpoint": checkpoints.newest_step(job)}
    if not waiting.update(wait_reason=WaitReason.RETRY_DELAY, reason_params=params, not_before=None):
        raise Refused(_already(job))
    transaction.on_commit(lambda: live.publish_state(job.pk), robust=True)
    audit.record(actor, "resumed", job, via=via, address=address)


@transaction.atomic
def move_off(device: Device, actor: Any) -> bool:
    """What runs on this device goes on elsewhere from a checkpoint (T13). Registered with `devices.hooks`."""
    lease = leases.holder(device)
    if lease is None or lease.attempt_id is None:
        return False
    job = Job.objects.get(attempts=lease.attempt_id)
    user = actor if isinstance(actor, User) else None
    return drain(job, EndReason.DRAINED, Actor.USER, user=user, device=device)


def shut_down() -> int:
    """The server stops: jobs that run end at a checkpoint and go on at the next start; how many were asked."""
    jobs = Job.objects.filter(state__in=RUNNABLE)
    return sum(drain(job, EndReason.SHUTDOWN, Actor.SYSTEM) for job in jobs)


@transaction.atomic
def drain(
    job: Job,
    why: EndReason,
    actor: Actor,
    *,
    user: User | None = None,
    device: Device | None = None,
    room_for: dict[str, Any] | None = None,
) -> bool:
    """T13: the attempt ends at its next checkpoint, within DRAIN_S; `why` says what becomes of the job then.

    `device`: what it leaves or gets; `room_for`: what is more urgent, {"for_job": id} or
    {"for_errand": kind}.
    """
    now = clock.now()
    job = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    attempt = job.attempts.filter(ended_at=None).first()
    params: dict[str, Any] = {"why": why}
    params |= ({"user": user.username} if user else {}) | ({"device": device.slug} if device else {})
    params |= room_for or {}
    moved = transitions.move(
        job.pk,
        JobState.DRAINING,
        actor=actor,
        attempt=attempt,
        user=user,
        reason=why,
        params=params,
        deadline_at=now + timedelta(seconds=timing.DRAIN_S),
        wait_reason="",
        reason_params=params,
    )
    if moved and attempt is not None:
        _tell_attempt(attempt, AttemptState.DRAINING, params)
    return moved


def _cancel_waiting(job: Job, actor: User, now: datetime) -> bool:
    params = {"user": actor.username, "at": now.isoformat()}
    return transitions.move(
        job.pk,
        JobState.CANCELLED,
        actor=Actor.USER,
        user=actor,
        reason=EndReason.USER_CANCELLED,
        params=params,
        only_from=[JobState.PENDING],
        end_reason=EndReason.USER_CANCELLED,
        reason_params=params,
        wait_reason="",
        not_before=None,
        ended_at=now,
    )


def _cancel_driven(job: Job, actor: User, force: bool, now: datetime) -> bool:
    deadline = now + timedelta(seconds=FORCED_CANCEL_S if force else CANCEL_S)
    params = {"why": EndReason.USER_CANCELLED, "user": actor.username, "forced": force, "at": now.isoformat()}
    attempt = Attempt.objects.filter(job=job, ended_at=None).first()
    moved = transitions.move(
        job.pk,
        JobState.CANCELLING,
        actor=Actor.USER,
        attempt=attempt,
        user=actor,
        reason=EndReason.USER_CANCELLED,
        params={"forced": force},
        deadline_at=deadline,
        wait_reason="",
        reason_params=params,
    )
    harder = force and not moved and _force(job, deadline)
    if (moved or harder) and attempt is not None:
        _tell_attempt(attempt, AttemptState.CANCELLING, params)
    return moved or harder


def _force(job: Job, deadline: datetime) -> bool:
    """A job that is being stopped is now to stop at once."""
    stopping = Job.objects.filter(Q(deadline_at__gt=deadline) | Q(deadline_at=None), pk=job.pk)
    return bool(stopping.filter(state=JobState.CANCELLING).update(deadline_at=deadline))


def _tell_attempt(attempt: Attempt, state: AttemptState, params: dict[str, Any]) -> None:
    """What is planned stands with the attempt; its devices are rung to ask what is wanted."""
    Attempt.objects.filter(pk=attempt.pk, ended_at=None).update(state=state, reason_params=params)
    claims.ring(attempt)


def _already(job: Job) -> str:
    state = JobState(Job.objects.values_list("state", flat=True).get(pk=job.pk))
    return _("This job is already %(state)s.") % {"state": state.value}
