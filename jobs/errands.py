"""Errands: a bounded piece of work on one device outside a job, leased and fenced like an attempt, never requeued."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import User
from contract.agent_calls import ExitReport, LeaseAnswer, LeaseRequest
from contract.reasons import EndReason
from devices import doorbell, leases
from devices.models import Device
from jobs import meetings, waking
from jobs.agent_access import StaleFence
from jobs.models import Errand, ErrandState

ASKED_S = 600
"""that one which somebody sits and waits for may stand in line"""
PATIENCE_S = 24 * 3600
"""that one which nobody sits and waits for may stand in line: jobs run for hours, and it goes first when one ends"""
GO_ELSEWHERE = ("preflight", "predict")
"""kinds for which a device that is busy is left alone: somebody sits and waits, and takes what is free"""
OPEN = (ErrandState.PENDING, ErrandState.RUNNING)
STOPPING_S = 15


@transaction.atomic
def create(
    kind: str,
    owner: User,
    devices: Iterable[Device],
    payload: dict[str, Any],
    now: datetime,
    *,
    patience: float = ASKED_S,
) -> list[Errand]:
    """One errand for each device, to be claimed in the next round in which its data is ready, for `patience` seconds.

    `payload`: spec, prepared (id of the data), source (id of the job whose model it starts from, or None).
    """
    deadline = now + timedelta(seconds=patience)
    waking.control_after_commit()
    return [
        Errand.objects.create(kind=kind, owner=owner, device=device, payload=payload, deadline_at=deadline)
        for device in devices
    ]


@transaction.atomic
def acknowledge(errand: Errand) -> None:
    """The device is clean and will do it. Raises StaleFence when it is not wanted any more."""
    if errand.state != ErrandState.RUNNING or not _lease(errand).exists():
        raise StaleFence
    Errand.objects.filter(pk=errand.pk).update(acknowledged=True)


@transaction.atomic
def renew(errand: Errand, said: LeaseRequest, now: datetime) -> LeaseAnswer:
    """Its supervisor is alive; it is told where to meet others once that is known. Raises StaleFence."""
    if errand.ended_at is not None and now > errand.ended_at + timedelta(seconds=STOPPING_S):
        raise StaleFence
    lease = leases.renew(errand.device, errand.fence, now)
    if lease is None:
        raise StaleFence
    if said.stage != errand.stage:
        Errand.objects.filter(pk=errand.pk).update(stage=said.stage[:20])
    rendezvous = meetings.rendezvous_of(errand, said)
    return LeaseAnswer(
        seconds_left=(lease.expires_at - now).total_seconds(),
        wanted="run" if errand.state == ErrandState.RUNNING else "stop",
        rendezvous=rendezvous,
        resume_step=0 if rendezvous else None,
    )


@transaction.atomic
def report_exit(errand: Errand, said: ExitReport, now: datetime) -> None:
    """What it found out; the first report counts. `gone` frees the device."""
    answer = said.answer or {"ok": said.outcome == "succeeded"}
    if said.outcome != "succeeded":
        answer = {"reason": said.reason or EndReason.UNKNOWN, **said.params, **answer, "ok": False}
    state = ErrandState.DONE if said.outcome == "succeeded" else ErrandState.FAILED
    end(errand.pk, state, answer, now)
    if said.gone and not leases.release(errand.device_id, errand_id=errand.pk, now=now) and errand.ended_at is None:
        raise StaleFence


def lose(errand_id: int, device_id: int, now: datetime) -> None:
    """Its device has been silent for as long as its lease lasts."""
    with transaction.atomic():
        leases.release(device_id, errand_id=errand_id, now=now)
        end(errand_id, ErrandState.FAILED, {"ok": False, "reason": EndReason.DEVICE_LOST}, now)


def give_up(errands: Iterable[Errand], now: datetime) -> None:
    """Nobody waits for these any longer."""
    for errand in errands:
        _close(errand, ErrandState.FAILED, {"ok": False, "reason": EndReason.START_TIMEOUT}, now)


def cancel(owner: User, numbers: Iterable[int], now: datetime) -> int:
    """Their owner wants them no more; how many were still open. A device is free once its rank is gone."""
    open_ones = Errand.objects.filter(pk__in=list(numbers), owner=owner, state__in=OPEN).order_by("pk")
    answer = {"ok": False, "reason": EndReason.USER_CANCELLED, "user": owner.username, "at": now.isoformat()}
    return sum(_close(errand, ErrandState.CANCELLED, answer, now) for errand in open_ones)


@transaction.atomic
def _close(errand: Errand, state: ErrandState, answer: dict[str, Any], now: datetime) -> bool:
    """End it here; where it runs its device is told to stop it."""
    closed = end(errand.pk, state, answer, now)
    if closed:
        _ring(errand)
    return closed


def end_overdue(now: datetime) -> int:
    """Errands past their deadline; how many ended."""
    overdue = list(Errand.objects.filter(state__in=OPEN, deadline_at__lte=now))
    give_up(overdue, now)
    return len(overdue)


def end(errand_id: int, state: ErrandState, answer: dict[str, Any], now: datetime) -> bool:
    """Close it, once. Errands that wait for it at a meeting which it will never reach are closed with it."""
    closed = _end_one(errand_id, state, answer, now)
    if closed and state != ErrandState.DONE:
        for waiting, missing in meetings.left_waiting(errand_id):
            told = {"ok": False, "reason": EndReason.START_TIMEOUT, "missing": missing}
            if _end_one(waiting.pk, ErrandState.FAILED, told, now):
                _ring(waiting)
    return closed


def _end_one(errand_id: int, state: ErrandState, answer: dict[str, Any], now: datetime) -> bool:
    told = {name: value for name, value in answer.items() if name != "rows"}
    ending = {"state": state, "answer": told, "rows": answer.get("rows", {}), "ended_at": now}
    return bool(Errand.objects.filter(pk=errand_id, state__in=OPEN).update(**ending))


def _ring(errand: Errand) -> None:
    payload = {"v": 1, "errand": errand.pk}
    transaction.on_commit(partial(doorbell.ring, [errand.device_id], payload), robust=True)


def _lease(errand: Errand):
    return leases.live().filter(device_id=errand.device_id, errand_id=errand.pk, fence=errand.fence)
