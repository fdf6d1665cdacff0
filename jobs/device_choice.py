"""Which devices a waiting job gets in a round, or why none yet. Pure: it looks at the fleet in memory only."""

from dataclasses import dataclass, field
from typing import Any

from contract.reasons import EndReason, WaitReason
from devices import environment
from devices.models import Device, DeviceState
from jobs.fleet import Fleet, best_free


@dataclass(frozen=True)
class Take:
    """All free now."""

    devices: list[Device]


@dataclass(frozen=True)
class Wait:
    reason: WaitReason
    params: dict[str, Any] = field(default_factory=dict)
    hold: list[Device] = field(default_factory=list)
    """devices to keep for the job once it has waited too long"""


@dataclass(frozen=True)
class GiveUp:
    """Waiting would not help."""

    reason: EndReason
    params: dict[str, Any] = field(default_factory=dict)


Choice = Take | Wait | GiveUp


def choose(fleet: Fleet, ids: list[str], count: int, avoided: set[int]) -> Choice:
    """Devices for a job that names them (`ids`) or wants any `count`; those in `avoided` only for want of others."""
    wish = (tuple(ids), count)
    if wish in fleet.waits:
        return fleet.waits[wish]
    choice = _named(fleet, ids) if ids else _any(fleet, count, avoided)
    if isinstance(choice, Wait):
        fleet.waits[wish] = choice
    return choice


def _named(fleet: Fleet, ids: list[str]) -> Choice:
    gone = next((slug for slug in ids if slug not in fleet.devices), None)
    if gone is not None:
        return GiveUp(EndReason.DEVICE_LOST, {"device": gone, "removed": True})
    devices = [fleet.devices[slug] for slug in ids]
    problems = environment.differences(devices)
    if problems:
        return GiveUp(EndReason.VERSION_MISMATCH, {"sentence": problems[0].sentence, **problems[0].params})
    for device in devices:
        if not fleet.is_online(device):
            return _not_online(device)
    taken = next((device for device in devices if device.pk in fleet.holders), None)
    if taken is not None:
        return Wait(WaitReason.DEVICE_BUSY, {"device": taken.slug, **fleet.holders[taken.pk]}, hold=devices)
    return Take(devices)


def _any(fleet: Fleet, count: int, avoided: set[int]) -> Choice:
    enough = [free for group in fleet.groups if len(free := fleet.free(group)) >= count]
    if enough:
        return Take(best_free(min(enough, key=len), count, avoided))
    large = next((group for group in fleet.groups if len(group) >= count), None)
    if large is not None:
        return _busy(fleet, large, count)
    return _too_few(fleet, count)


def _busy(fleet: Fleet, group: list[Device], count: int) -> Wait:
    free = fleet.free(group)
    taken = [device for device in group if device.pk in fleet.holders]
    first = next((device for device in taken if "job" in fleet.holders[device.pk]), taken[0])
    params = {"device": first.slug, "free": len(free), "wanted": count, **fleet.holders[first.pk]}
    return Wait(WaitReason.DEVICE_BUSY, params, hold=[*free, *taken][:count])


def _too_few(fleet: Fleet, count: int) -> Wait:
    """Not enough devices even if all were free: who is missing, and could come back?"""
    largest = max(map(len, fleet.groups), default=0)
    away = [device for device in fleet.devices.values() if not fleet.is_online(device)]
    draining = [device for device in away if device.draining and device.state != DeviceState.OFFLINE]
    if largest + len(away) >= count and away:
        return _not_online((draining or away)[0])
    params: dict[str, Any] = {"wanted": count, "fitting": largest, "registered": len(fleet.devices)}
    if len(fleet.online) >= count:
        problem = environment.differences(fleet.online)[0]
        params |= {"sentence": problem.sentence, "versions": problem.params}
    return Wait(WaitReason.NO_DEVICE, params)


def _not_online(device: Device) -> Wait:
    if device.draining and device.state != DeviceState.OFFLINE:
        by = device.drained_by.username if device.drained_by else ""
        return Wait(WaitReason.DRAINING, {"device": device.slug, "user": by, "why": device.drain_reason})
    since = device.last_seen_at.isoformat() if device.last_seen_at else ""
    return Wait(WaitReason.DEVICE_OFFLINE, {"device": device.slug, "since": since})
