"""The reconciler does once a second what nobody else did: lost messages, silent devices, deadlines, work left lying.

Each step is safe to do twice and by two processes at once: every change is conditional.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from catalog import services as catalog
from contract import logs, timing
from contract.reasons import WaitReason
from devices import doorbell, leases, upkeep
from devices import services as devices
from devices.models import Lease
from devices.queries import online
from jobs import ending, errands, scheduling
from jobs.models import Attempt, Job, Rank
from jobs.pulse import Pulse, agents_address_answers
from jobs.states import DRIVEN, AttemptState, JobState

TEST_RING_S = 30
HOUSEKEEPING_S = 60
log = logging.getLogger(__name__)

each_tick: list[Callable[[datetime], Any]] = []
"""Apps upstairs add what goes on with every tick; they never raise."""


class Reconciler:
    """Remembers from tick to tick when it last did what is not done each time."""

    def __init__(self, answers: Callable[[], bool] = agents_address_answers):
        self.pulse = Pulse(answers)
        self._done_at: dict[str, datetime] = {}
        self._rung: dict[int, datetime] = {}

    def tick(self, now: datetime) -> None:
        """One second's work, in the order in which things depend on each other."""
        beat = self.pulse.beat(now)
        if beat.gap:
            grant_time_after_outage(now)
        elif beat.healthy:
            if beat.counts:
                leases.count_healthy_tick()
            end_silent_leases(now)
            devices.mark_silent(now, beat.healthy_seconds)
        else:
            leases.live().update(healthy_ticks=0)
        end_overdue_jobs(now)
        errands.end_overdue(now)
        self._ring_again(now)
        catalog.take_up_again(now)
        for drive in each_tick:
            drive(now)
        scheduling.round(now)
        self._now_and_then("test ring", TEST_RING_S, now, _ring_all)
        self._now_and_then("housekeeping", HOUSEKEEPING_S, now, lambda: upkeep.housekeeping(now))

    def _ring_again(self, now: datetime) -> None:
        """A device that was claimed and has not acknowledged is rung each RING_AGAIN_S: its doorbell may be lost."""
        again = now - timedelta(seconds=timing.RING_AGAIN_S)
        silent = Rank.objects.filter(
            acknowledged_at=None,
            attempt__ended_at=None,
            attempt__state=AttemptState.CLAIMED,
            attempt__created_at__lte=again,
        ).select_related("attempt")
        due = [rank for rank in silent if self._rung.get(rank.pk, again) <= again]
        self._rung = {rank.pk: self._rung.get(rank.pk, now) for rank in silent} | {rank.pk: now for rank in due}
        for rank in due:
            if not doorbell.ring([rank.device_id], {"v": 1, "job": rank.attempt.job_id, "attempt": rank.attempt_id}):
                break  # the broker is away: the devices poll, and the tick goes on

    def _now_and_then(self, what: str, each_s: float, now: datetime, do: Callable[[], object]) -> None:
        if now - self._done_at.get(what, now - timedelta(seconds=each_s)) >= timedelta(seconds=each_s):
            self._done_at[what] = now
            do()


def grant_time_after_outage(now: datetime) -> None:
    """After a gap in our own ticks, silence and deadlines start anew: nothing was heard because nobody listened.

    The gap may be a clock that was set back: what was noted in the future is noted as of now.
    """
    leases.give_grace(now)
    devices.not_seen_later_than(now)
    until = now + timedelta(seconds=timing.OUTAGE_GRACE_S)
    Job.objects.filter(state__in=DRIVEN, deadline_at__lt=until).update(deadline_at=until)
    longest = now + timedelta(seconds=2 * timing.REQUEUE_DELAYS_S[-1])
    delayed = Job.objects.filter(state=JobState.PENDING, wait_reason=WaitReason.RETRY_DELAY)
    delayed.filter(not_before__gt=longest).update(not_before=now)


def end_silent_leases(now: datetime) -> int:
    """R6: lease and what held it end in one transaction; how many leases ended."""
    ended = 0
    for lease in leases.expired(now):
        if lease.errand_id is not None:
            errands.lose(lease.errand_id, lease.device_id, now)
        elif lease.attempt_id is not None:
            with logs.about(attempt=lease.attempt_id, device=lease.device.slug):
                ended += _end_silent_lease(lease, lease.attempt_id, now)
    return ended


def end_overdue_jobs(now: datetime) -> int:
    """Jobs whose deadline has passed; how many attempts ended by it."""
    overdue = Job.objects.filter(state__in=DRIVEN, deadline_at__lte=now).values_list("pk", flat=True)
    return sum(_end_overdue(job_id, now) for job_id in list(overdue))


@transaction.atomic
def _end_silent_lease(lease: Lease, attempt_id: int, now: datetime) -> bool:
    attempt = Attempt.objects.get(pk=attempt_id)
    job = Job.objects.select_for_update(no_key=True).get(pk=attempt.job_id)
    attempt.refresh_from_db()
    attempt.job = job
    still = leases.live().filter(pk=lease.pk, expires_at=lease.expires_at)
    if not still.exists():
        return False
    rank = Rank.objects.get(attempt=attempt, device_id=lease.device_id)
    if rank.gone_at is not None and attempt.ended_at is None:
        # Its rank has finished; the device waits for its gang, and nobody is there to renew.
        still.update(renewed_at=now, expires_at=now + timedelta(seconds=timing.LEASE_TTL_S), healthy_ticks=0)
        return False
    logs.note(job=job.pk, rank=rank.rank)
    log.warning("the device was silent: its lease ends")
    ending.lose(job, attempt, lease.device_id, now)
    return True


@transaction.atomic
def _end_overdue(job_id: int, now: datetime) -> bool:
    job = Job.objects.select_for_update(no_key=True).get(pk=job_id)
    attempt = job.attempts.filter(ended_at=None).first()
    if job.state not in DRIVEN or attempt is None or job.deadline_at is None or job.deadline_at > now:
        return False
    attempt.job = job
    with logs.about(job=job_id, attempt=attempt.pk):
        log.warning("the job is past its deadline while %s", job.state)
        return ending.overdue(job, attempt, now)


def _ring_all() -> None:
    """A ring that only asks for an echo, so that an agent whose consumer went deaf is found out."""
    doorbell.ring(online().values_list("pk", flat=True), {"v": 1, "test": True})
