"""Which devices a waiting job gets in a round, or why none yet. Pure: it looks at the fleet in memory only."""

from dataclasses import dataclass, field
from typing import Any

from contract.reasons import EndReason, WaitReason
from devices import environment
from devices.models import Device, DeviceState
from jobs.fleet import Fleet, best_free
from jobs.wishes import Wish


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


def choose(fleet: Fleet, wish: Wish, avoided: set[int]) -> Choice:
    """Devices for a wish; those in `avoided` (ids) only for want of others.

    What one job of a wish was told to wait for, the next one of this round is told too: devices are only given away in
    a round, so a wait stays one.
    """
    if wish in fleet.waits:
        return fleet.waits[wish]
    choice = _named(fleet, wish) if wish.ids else _any(fleet, wish, avoided)
    if isinstance(choice, Wait):
        fleet.waits[wish] = choice
    return choice


def _named(fleet: Fleet, wish: Wish) -> Choice:
    there = [fleet.devices[slug] for slug in wish.ids if slug in fleet.devices]
    if len(there) < len(wish.ids) and not 0 < wish.fewest <= len(there):
        gone = next(slug for slug in wish.ids if slug not in fleet.devices)
        return GiveUp(EndReason.DEVICE_LOST, {"device": gone, "removed": True})
    problems = environment.differences(there)
    if problems:
        return GiveUp(EndReason.VERSION_MISMATCH, {"sentence": problems[0].sentence, **problems[0].params})
    obstacle = _obstacle_on(fleet, there, wish)
    if obstacle is None:
        return Take(there)
    usable = [device for device in fleet.free(there) if fleet.is_online(device) and wish.has_room(device)]
    return Take(usable) if _may_shrink(fleet, wish, there, usable) else obstacle


def _obstacle_on(fleet: Fleet, devices: list[Device], wish: Wish) -> Wait | None:
    """What keeps a job from having just these devices now."""
    for device in devices:
        if not fleet.is_online(device):
            return _not_online(device)
    full = next((device for device in devices if not wish.has_room(device)), None)
    if full is not None:
        return Wait(WaitReason.NO_SPACE, {"device": full.slug, "need": wish.disk_bytes})
    taken = next((device for device in devices if device.pk in fleet.holders), None)
    if taken is not None:
        return Wait(WaitReason.DEVICE_BUSY, {"device": taken.slug, **fleet.holders[taken.pk]}, hold=devices)
    return None


def _any(fleet: Fleet, wish: Wish, avoided: set[int]) -> Choice:
    fitting = [wish.fitting(group) for group in fleet.groups]
    free = [fleet.free(group) for group in fitting]
    enough = [devices for devices in free if len(devices) >= wish.count]
    if enough:
        return Take(best_free(min(enough, key=len), wish.count, avoided))
    most = max(free, key=len, default=[])
    if _may_shrink(fleet, wish, [device for group in fitting for device in group], most):
        return Take(most)
    large = next((group for group in fitting if len(group) >= wish.count), None)
    if large is not None:
        return _busy(fleet, large, wish.count)
    return _too_few(fleet, wish, max(map(len, fitting), default=0))


def _may_shrink(fleet: Fleet, wish: Wish, wanted: list[Device], usable: list[Device]) -> bool:
    """Go on with fewer: not while a device of a gang that has just ended is about to come back."""
    returning = any(fleet.holders.get(device.pk, {}).get("stopping") for device in wanted)
    return 0 < wish.fewest <= len(usable) and not returning


def _busy(fleet: Fleet, group: list[Device], count: int) -> Wait:
    free = fleet.free(group)
    taken = [device for device in group if device.pk in fleet.holders]
    first = next((device for device in taken if "job" in fleet.holders[device.pk]), taken[0])
    params = {"device": first.slug, "free": len(free), "wanted": count, **fleet.holders[first.pk]}
    return Wait(WaitReason.DEVICE_BUSY, params, hold=[*free, *taken][:count])


def _too_few(fleet: Fleet, wish: Wish, largest: int) -> Wait:
    """Not enough devices even if all were free: who is missing, and could come back?"""
    right = wish.fitting(fleet.devices.values())
    away = [device for device in right if not fleet.is_online(device)]
    draining = [device for device in away if device.draining and device.state != DeviceState.OFFLINE]
    if largest + len(away) >= wish.count and away:
        return _not_online((draining or away)[0])
    params: dict[str, Any] = {"wanted": wish.count, "fitting": largest, "registered": len(fleet.devices)}
    online = [device for device in right if fleet.is_online(device)]
    if len(online) >= wish.count:
        problem = environment.differences(online)[0]
        params |= {"sentence": problem.sentence, "versions": problem.params}
    elif wish.is_particular:
        params |= {"fitting": len(right), "needs": wish.needs()}
    return Wait(WaitReason.NO_DEVICE, params)


def _not_online(device: Device) -> Wait:
    if device.draining and device.state != DeviceState.OFFLINE:
        by = device.drained_by.username if device.drained_by else ""
        return Wait(WaitReason.DRAINING, {"device": device.slug, "user": by, "why": device.drain_reason})
    since = device.last_seen_at.isoformat() if device.last_seen_at else ""
    return Wait(WaitReason.DEVICE_OFFLINE, {"device": device.slug, "since": since})
