"""Leases: the right of one attempt or errand to one device until a time.

A partial unique index lets a device have one live lease; `fence` rises with each, so that a holder of an older one can
be told apart for ever: with the clock at least, so that a database that was restored from an old copy gives none out
again that the copy did not know. A lease ends by release or by healthy silence (rule R6): its time has passed *and* the
reconciler was well for as many ticks as the lease has seconds, so our own outage never takes a device away.
"""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest

from contract.timing import LEASE_TTL_S, OUTAGE_GRACE_S, TICK_S
from devices.models import Device, Lease


class DeviceTaken(Exception):
    """Another attempt or errand holds this device; nothing of the claim may be kept."""

    def __init__(self, device: Device):
        self.device = device
        super().__init__(f"{device.slug} is taken")


def claim(
    devices: Iterable[Device],
    *,
    attempt_id: int | None = None,
    errand_id: int | None = None,
    now: datetime,
    ttl: float = LEASE_TTL_S,
) -> list[Lease]:
    """Lease all of `devices`, in order of id, or raise DeviceTaken: then the caller's transaction must roll back."""
    leases = []
    for device in sorted(devices, key=lambda device: device.pk):
        Device.objects.filter(pk=device.pk).update(fence=Greatest(F("fence") + 1, int(1000 * now.timestamp())))
        fence = Device.objects.values_list("fence", flat=True).get(pk=device.pk)
        try:
            with transaction.atomic():
                leases.append(
                    Lease.objects.create(
                        device=device,
                        attempt_id=attempt_id,
                        errand_id=errand_id,
                        fence=fence,
                        acquired_at=max(now, _last_release(device) or now),
                        renewed_at=now,
                        expires_at=now + timedelta(seconds=ttl),
                    )
                )
        except IntegrityError as error:
            raise DeviceTaken(device) from error
    return leases


def _last_release(device: Device) -> datetime | None:
    """When the lease before ended: later than now where a clock was set back meanwhile."""
    return Lease.objects.filter(device=device).order_by("-id").values_list("released_at", flat=True).first()


def renew(device: Device, fence: int, now: datetime, ttl: float = LEASE_TTL_S) -> Lease | None:
    """Prolong the live lease with this fence; None when it has ended or another one is live."""
    mine = live().filter(device=device, fence=fence)
    if not mine.update(renewed_at=now, expires_at=now + timedelta(seconds=ttl), healthy_ticks=0):
        return None
    return mine.first()


def release(device_id: int, *, attempt_id: int | None = None, errand_id: int | None = None, now: datetime) -> bool:
    """End the live lease that this attempt or errand holds on the device; False when it holds none."""
    mine = live().filter(device_id=device_id, attempt_id=attempt_id, errand_id=errand_id)
    return bool(mine.update(released_at=now))


def live() -> QuerySet[Lease]:
    """Leases that have not ended."""
    return Lease.objects.filter(released_at=None)


def holder(device: Device) -> Lease | None:
    """The live lease on this device, if there is one."""
    return live().filter(device=device).first()


def expired(now: datetime) -> list[Lease]:
    """Live leases that healthy silence has ended; the caller releases them together with what held them."""
    overdue = live().filter(expires_at__lt=now).select_related("device").order_by("device_id")
    return [lease for lease in overdue if lease.healthy_ticks >= ticks_needed(lease)]


def ticks_needed(lease: Lease) -> int:
    """As many healthy ticks as the lease has seconds; a grace on top of its time asks for no more of them."""
    seconds = (lease.expires_at - lease.renewed_at).total_seconds()
    return math.ceil(min(seconds, LEASE_TTL_S) / TICK_S)


def count_healthy_tick() -> int:
    """One more tick in which database and agents' address were well; how many leases live."""
    return live().update(healthy_ticks=F("healthy_ticks") + 1)


def give_grace(now: datetime) -> int:
    """After an outage of our own every live lease gets time to be renewed before silence counts again.

    One that was renewed in the future, before a clock was set back, begins anew: silence would not end it for as long.
    """
    until = now + timedelta(seconds=OUTAGE_GRACE_S)
    live().update(healthy_ticks=0)
    early = live().filter(renewed_at__gt=now).update(renewed_at=now, expires_at=until)
    return early + live().filter(expires_at__lt=until).update(expires_at=until)
