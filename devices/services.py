"""What people, the scheduler and the reconciler do to devices: every write that no device asked for itself."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from contract.problems import Invalid, Problem, gettext_noop
from contract.timing import OFFLINE_S
from devices import broker, hooks, leases
from devices.enrolment import free_index, unused_slug
from devices.models import Device, DeviceKind, DeviceState, Host

ALIVE = (DeviceState.ONLINE, DeviceState.DRAINING)
RUNNING_CHOICES = ("finish", "move")
LABELS_MOST = 20


class Busy(Exception):
    """409: an attempt or errand holds this device."""

    def __init__(self, device: Device, lease: Any):
        self.device, self.lease = device, lease
        super().__init__(gettext_noop("Something runs on this device. Drain it first, or remove it by force."))


@transaction.atomic
def add(name: str, host: str, actor: Any, *, labels: list[str] | None = None, via: str = "page") -> Device:
    """A row for a device that will join with a token of its own. Raises Invalid."""
    name, host = _checked_name(name), _checked_name(host, "host")
    owner, _made = Host.objects.get_or_create(name=host)
    index = free_index(owner, DeviceKind.CPU)
    device = Device.objects.create(
        host=owner,
        slug=unused_slug(name),
        name=name,
        kind=DeviceKind.CPU,
        index=index,
        labels=checked_labels(labels or []),
    )
    audit.record(actor, "device added", device, via=via, after={"host": host, "labels": device.labels})
    transaction.on_commit(hooks.tell_fleet_changed)
    return device


@transaction.atomic
def drain(device: Device, actor: Any, *, reason: str = "", running: str = "finish", via: str = "page") -> bool:
    """Take no new jobs here; what runs finishes, or moves at a checkpoint. False when it was draining already."""
    if running not in RUNNING_CHOICES:
        raise Invalid([Problem("running", gettext_noop("Choose 'finish' or 'move'."))])
    drained = Device.objects.filter(pk=device.pk, draining=False, removed_at=None).update(
        draining=True, drained_by=actor, drain_reason=reason[:200]
    )
    Device.objects.filter(pk=device.pk, state=DeviceState.ONLINE).update(state=DeviceState.DRAINING)
    if running == "move":
        for move in hooks.move_jobs_off:
            move(device, actor)
    if drained:
        audit.record(actor, "drained", device, via=via, after={"running": running}, reason=reason)
        transaction.on_commit(hooks.tell_fleet_changed)
    device.refresh_from_db()
    return bool(drained)


@transaction.atomic
def resume(device: Device, actor: Any, *, via: str = "page") -> bool:
    """Take jobs again. False when it did anyway."""
    resumed = Device.objects.filter(pk=device.pk, draining=True).update(
        draining=False, drained_by=None, drain_reason=""
    )
    Device.objects.filter(pk=device.pk, state=DeviceState.DRAINING).update(state=DeviceState.ONLINE)
    if resumed:
        audit.record(actor, "resumed", device, via=via)
        transaction.on_commit(hooks.tell_fleet_changed)
    device.refresh_from_db()
    return bool(resumed)


@transaction.atomic
def change(device: Device, actor: Any, *, name: str | None = None, labels: list[str] | None = None,
           via: str = "page") -> None:  # fmt: skip
    """Rename it or give it other labels; None leaves a part as it is. Raises Invalid."""
    after: dict[str, Any] = {}
    if name is not None:
        after["name"] = _checked_name(name)
    if labels is not None:
        after["labels"] = checked_labels(labels)
    before = {field: getattr(device, field) for field in after}
    if before == after:
        return
    Device.objects.filter(pk=device.pk).update(**after)
    audit.record(actor, "device changed", device, via=via, before=before, after=after)
    transaction.on_commit(hooks.tell_fleet_changed)
    device.refresh_from_db()


@transaction.atomic
def remove(device: Device, actor: Any, *, force: bool = False, via: str = "page") -> None:
    """Take it out of the fleet and revoke its credential. Raises Busy while something runs there, unless forced."""
    lease = leases.holder(device)
    if lease and not force:
        raise Busy(device, lease)
    now = timezone.now()
    if not Device.objects.filter(pk=device.pk, removed_at=None).update(removed_at=now, state=DeviceState.OFFLINE):
        return
    _revoke_all(device, now)
    audit.record(actor, "device removed", device, via=via, after={"by force": bool(lease)})
    transaction.on_commit(hooks.tell_fleet_changed)


@transaction.atomic
def revoke(device: Device, actor: Any, *, via: str = "page") -> int:
    """End the device's credentials now: its next call is a 401 and its ranks stop; how many there were."""
    now = timezone.now()
    ended = _revoke_all(device, now)
    Device.objects.filter(pk=device.pk, state__in=ALIVE).update(state=DeviceState.OFFLINE)
    audit.record(actor, "credential revoked", device, via=via)
    transaction.on_commit(hooks.tell_fleet_changed)
    return ended


def mark_silent(now: datetime, healthy_seconds: float) -> list[Device]:
    """Devices whose agent was silent for OFFLINE_S become offline; those that did are returned.

    `healthy_seconds`: for how long the reconciler's ticks have been healthy without a gap. Before OFFLINE_S of that
    the silence may be our own, and nothing changes (rule R6).
    """
    if healthy_seconds < OFFLINE_S:
        return []
    heard_before = now - timedelta(seconds=OFFLINE_S)
    silent = Device.objects.filter(state__in=ALIVE, last_seen_at__lt=heard_before, removed_at=None)
    marked = [
        device
        for device in silent.select_related("host")
        if silent.filter(pk=device.pk).update(state=DeviceState.OFFLINE)
    ]
    if marked:
        transaction.on_commit(hooks.tell_fleet_changed)
    return marked


def not_seen_later_than(now: datetime) -> int:
    """The clock was set back: who was seen in what is now the future counts as seen now, and may fall silent again."""
    return Device.objects.filter(last_seen_at__gt=now).update(last_seen_at=now)


def checked_labels(labels: Any) -> list[str]:
    """Labels as short, distinct words. Raises Invalid."""
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise Invalid([Problem("labels", gettext_noop("Expected a list of texts."))])
    found = list(dict.fromkeys(label.strip() for label in labels if label.strip()))
    if len(found) > LABELS_MOST or any(len(label) > 60 for label in found):
        raise Invalid([Problem("labels", gettext_noop("At most 20 labels of at most 60 characters."))])
    return found


def _checked_name(name: Any, path: str = "name") -> str:
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 120 or not name.isprintable():
        raise Invalid([Problem(path, gettext_noop("Expected 1 to 120 characters, none of them control characters."))])
    return name.strip()


def _revoke_all(device: Device, now: datetime) -> int:
    transaction.on_commit(lambda: broker.withdraw(device.pk))
    return device.credentials.filter(revoked_at=None).update(revoked_at=now)
