"""Gangs: errands on several devices that meet, like the ranks of a job. Claimed all together or not yet."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction

from accounts.models import User
from contract.reasons import EndReason
from devices.models import Device
from jobs import claims, errands
from jobs.fleet import Fleet
from jobs.models import Errand, ErrandState


@transaction.atomic
def create(kind: str, owner: User, devices: Iterable[Device], payload: dict[str, Any], now: datetime) -> list[Errand]:
    """One errand for each device, to be claimed in the first round in which all of these are free."""
    made = errands.create(kind, owner, devices, payload, now, patience=errands.PATIENCE_S)
    for errand in made:
        errand.gang = made[0].pk
    Errand.objects.bulk_update(made, ["gang"])
    return made


def claim_waiting(fleet: Fleet, waiting: Sequence[Errand], now: datetime) -> None:
    """Give each gang its devices; the data of all of `waiting` is ready. A device that went offline is left out."""
    for _number, members in groupby(sorted(waiting, key=_by_gang), key=lambda errand: errand.gang):
        gang = list(members)
        present = [errand for errand in gang if _is_there(fleet, errand)]
        for errand in gang:
            if errand not in present:
                errands.end(errand.pk, ErrandState.FAILED, {"ok": False, "reason": EndReason.DEVICE_LOST}, now)
        busy = any(errand.device_id in fleet.holders for errand in present)
        if present and not busy and claims.claim_gang(present, now):
            fleet.take({errand.device_id: {"errand": errand.kind} for errand in present})


def _by_gang(errand: Errand) -> tuple[int, int]:
    return errand.gang or 0, errand.pk


def _is_there(fleet: Fleet, errand: Errand) -> bool:
    """Sets the errand's device to the one that the fleet holds."""
    device = next((device for device in fleet.online if device.pk == errand.device_id), None)
    if device is not None:
        errand.device = device
    return device is not None
