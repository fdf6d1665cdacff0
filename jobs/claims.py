"""Taking devices: all that a job needs in one transaction, or none (rule R2)."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import DatabaseError, connection, transaction
from django.db.models import Max

from contract import logs, timing
from contract.faults import fault
from contract.reasons import WaitReason
from devices import doorbell, leases
from devices.leases import DeviceTaken
from devices.models import Device
from jobs import clock, transitions, weights
from jobs.models import Attempt, Errand, ErrandState, Rank
from jobs.states import Actor, JobState

LOCK_TIMEOUT = "2s"
ERRAND_S = 600
"""that an errand has from its claim on, however long it stood in line"""
GANG_S = 300
"""errands that meet have so long from their claim on, however long they waited for each other"""
log = logging.getLogger(__name__)


class _LostRace(Exception):
    """Somebody else moved the job; the claim rolls back."""


def claim(job_id: int, devices: Sequence[Device], now: datetime) -> Attempt | None:
    """Give the job a new attempt on exactly these devices, one rank each in order of id, or leave all as it was (T2).

    After the commit each device is rung. Returns None when the job or a device was taken meanwhile.
    """
    with logs.about(job=job_id):
        return _claim_or_nothing(job_id, sorted(devices, key=lambda device: device.pk), now)


def _claim_or_nothing(job_id: int, devices: list[Device], now: datetime) -> Attempt | None:
    try:
        with transaction.atomic():
            _wait_briefly_for_locks()
            attempt = _claim(job_id, devices, now)
            transaction.on_commit(partial(_ring_for, job_id, attempt.pk, devices), robust=True)
    except (DeviceTaken, _LostRace):
        return None
    except DatabaseError as error:
        log.warning("a claim was rolled back: %s", error)
        return None
    return attempt


def claim_errand(errand: Errand, now: datetime) -> bool:
    """Lease the errand's device to it; False when either was taken meanwhile."""
    try:
        with transaction.atomic():
            _wait_briefly_for_locks()
            now = _after_releases([errand.device], now)
            if not Errand.objects.filter(pk=errand.pk, state=ErrandState.PENDING).update(state=ErrandState.RUNNING):
                return False
            (lease,) = leases.claim([errand.device], errand_id=errand.pk, now=now)
            deadline = now + timedelta(seconds=ERRAND_S)
            Errand.objects.filter(pk=errand.pk).update(fence=lease.fence, deadline_at=deadline)
            payload = {"v": 1, "errand": errand.pk}
            transaction.on_commit(partial(doorbell.ring, [errand.device_id], payload), robust=True)
    except DeviceTaken:
        return False
    return True


def claim_gang(errands: Sequence[Errand], now: datetime) -> bool:
    """Lease the devices of all of them, which become ranks in order of device, or none; False when one was taken."""
    errands = sorted(errands, key=lambda errand: errand.device_id)
    try:
        with transaction.atomic():
            _wait_briefly_for_locks()
            now = _after_releases([errand.device for errand in errands], now)
            for rank, errand in enumerate(errands):
                _claim_one_of_gang(errand, rank, len(errands), now)
            ids, payload = [errand.device_id for errand in errands], {"v": 1, "errand": errands[0].pk}
            transaction.on_commit(partial(doorbell.ring, ids, payload), robust=True)
    except (DeviceTaken, _LostRace):
        return False
    return True


def _claim_one_of_gang(errand: Errand, rank: int, world_size: int, now: datetime) -> None:
    (lease,) = leases.claim([errand.device], errand_id=errand.pk, now=now)
    told = {"state": ErrandState.RUNNING, "rank": rank, "world_size": world_size, "fence": lease.fence}
    deadline = now + timedelta(seconds=GANG_S)
    if not Errand.objects.filter(pk=errand.pk, state=ErrandState.PENDING).update(**told, deadline_at=deadline):
        raise _LostRace


def ring(attempt: Attempt, device_ids: Sequence[int] | None = None) -> None:
    """Ask the attempt's devices to look, once the transaction is through: all that hold a lease for it, or these."""
    if device_ids is None:
        device_ids = list(leases.live().filter(attempt_id=attempt.pk).values_list("device_id", flat=True))
    payload = {"v": 1, "job": attempt.job_id, "attempt": attempt.pk}
    if device_ids:
        transaction.on_commit(partial(doorbell.ring, device_ids, payload), robust=True)


def _claim(job_id: int, devices: list[Device], now: datetime) -> Attempt:
    now = _after_releases(devices, now)
    moved = transitions.move(
        job_id,
        JobState.CLAIMED,
        actor=Actor.SCHEDULER,
        params={"devices": [device.slug for device in devices]},
        deadline_at=now + timedelta(seconds=timing.ACK_S),
        wait_reason=WaitReason.WAITING_PEERS,
        reason_params={"ready": 0, "wanted": len(devices), "missing": [device.slug for device in devices]},
        not_before=None,
        stage="",
        activity="",
        proofs={},
    )
    if not moved:
        raise _LostRace
    weights.keep_beginning(job_id)
    last = Attempt.objects.filter(job_id=job_id).aggregate(last=Max("number"))["last"] or 0
    attempt = Attempt.objects.create(job_id=job_id, number=last + 1, world_size=len(devices))
    held = leases.claim(devices, attempt_id=attempt.pk, now=now)
    Rank.objects.bulk_create(
        Rank(attempt=attempt, rank=number, device=lease.device, fence=lease.fence) for number, lease in enumerate(held)
    )
    return attempt


def _after_releases(devices: Sequence[Device], now: datetime) -> datetime:
    """Wait for leases of these devices that are just being released; the time then, so that none begins before its
    predecessor has ended however long ago the round began."""
    list(leases.live().select_for_update().filter(device__in=devices).order_by("device_id"))
    return max(now, clock.now())


def _ring_for(job_id: int, attempt_id: int, devices: list[Device]) -> None:
    fault("claim.after_commit")
    doorbell.ring([device.pk for device in devices], {"v": 1, "job": job_id, "attempt": attempt_id})


def _wait_briefly_for_locks() -> None:
    """On PostgreSQL a claim that meets another one gives way instead of queueing behind it. SQLite has one writer."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
