"""An agent's sign of life: the device is online, speaks through exactly one process, and says how it is doing."""

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from contract.agent_calls import Heartbeat, HeartbeatAnswer
from contract.timing import OFFLINE_S
from devices import environment, hooks
from devices.models import Device, DeviceState, EnvironmentChange, Host, Reading

IDENTITY = ("boot_id", "pid", "start_ticks")


class DeviceTakenByOther(Exception):
    """Another agent speaks for this device and was heard of a moment ago."""


@transaction.atomic
def beat(device: Device, message: Heartbeat, now: datetime) -> HeartbeatAnswer:
    """Store one heartbeat. Raises DeviceTakenByOther while another process that is not known to be gone speaks."""
    state = DeviceState.DRAINING if device.draining else DeviceState.ONLINE
    before = device.state
    reading = _reading(message.reading)
    device.environment_hash = message.environment_hash[:64] if message.environment else device.environment_hash
    spoke = Device.objects.filter(_may_speak(message, now), pk=device.pk).update(
        process=_identity(message.process),
        last_seen_at=now,
        state=state,
        reading=reading,
        address=message.address[:200],
        interface=message.fabric_interface[:60],
        last_ring_at=_moment(message.last_ring) or device.last_ring_at,
        environment_hash=device.environment_hash,
    )
    if not spoke:
        raise DeviceTakenByOther
    if reading:
        Reading.objects.get_or_create(device=device, at=now, defaults={"values": reading})
    if message.environment:
        _store_environment(device.host, message.environment, message.environment_hash, now)
    if state != before:
        device.state = state
        transaction.on_commit(hooks.tell_fleet_changed)
    return HeartbeatAnswer(time.time(), str(state), device.environment_hash)


def _may_speak(message: Heartbeat, now: datetime) -> Q:
    """Nobody spoke before, it was this process, it was one that is known to be gone, or one that fell silent."""
    silent = Q(last_seen_at=None) | Q(last_seen_at__lt=now - timedelta(seconds=OFFLINE_S))
    known = Q(process={}) | Q(process=_identity(message.process))
    gone = _identity(message.replaces)
    return silent | known | (Q(process=gone) if gone else Q(pk__in=[]))


def _identity(process: Any) -> dict[str, Any]:
    """The parts of a process identity in one order, so that the same process is the same row value everywhere."""
    if not isinstance(process, dict) or not all(part in process for part in IDENTITY):
        return {}
    return {"boot_id": str(process["boot_id"])[:64], "pid": process["pid"], "start_ticks": process["start_ticks"]}


def _reading(values: Any) -> dict[str, float]:
    """Finite numbers under `system/…` keys; what else a device says is dropped."""
    given = values.items() if isinstance(values, dict) else ()
    return {
        str(key): value
        for key, value in list(given)[:50]
        if str(key).startswith("system/") and type(value) in (int, float) and math.isfinite(value)
    }


def _moment(seconds: Any) -> datetime | None:
    """Unix seconds as a moment; None for 0 and for what is none."""
    if type(seconds) not in (int, float) or not 0 < seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)


def _store_environment(host: Host, reported: Any, reported_hash: str, now: datetime) -> None:
    facts = environment.cleaned(reported)
    changed = environment.changes(host.environment, facts)
    if host.environment_hash and changed:
        EnvironmentChange.objects.create(host=host, changes=changed)
    Host.objects.filter(pk=host.pk).update(
        environment=facts,
        environment_hash=reported_hash[:64],
        environment_at=now,
        platform=str(facts.get("platform", ""))[:40],
        agent_version=str(facts.get("agent", ""))[:40],
    )
