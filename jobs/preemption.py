"""An urgent job may take devices from less urgent ones that allow it: they end at a checkpoint and wait again (T13).

An errand that waits for its device counts as a job of usual priority.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contract.reasons import EndReason, WaitReason
from devices.models import Device
from jobs.device_choice import Wait
from jobs.fleet import Fleet
from jobs.models import Attempt, Errand, Job
from jobs.queue_order import Waiting
from jobs.services import asking
from jobs.states import Actor, JobState
from jobs.wishes import Wish

USUAL_PRIORITY = 0
MAY_BE_ASKED = (JobState.CLAIMED, JobState.STARTING, JobState.RUNNING)


@dataclass
class Victim:
    """A job that runs and lets more urgent ones have its devices (`schedule.preemptible`)."""

    job_id: int
    priority: int
    devices: set[int] = field(default_factory=set)


def make_room(waiting: Iterable[tuple[Waiting, Wait]], fleet: Fleet) -> int:
    """Ask jobs to leave for more urgent ones that wait; how many were asked. `waiting` in the order of the queue."""
    queue = [(job, wait) for job, wait in waiting if wait.reason == WaitReason.DEVICE_BUSY]
    victims = _victims() if queue else []
    spoken_for: set[int] = set()
    asked = 0
    for job, _wait in queue:
        if not any(victim.priority < job.priority for victim in victims):
            break  # the queue comes by priority: those behind are no more urgent
        chosen = _room_for(job, fleet, victims, spoken_for)
        for victim in chosen:
            victims.remove(victim)
            asked += _leave(victim, {"for_job": job.pk})
    return asked


def make_room_for_errands(waiting: Iterable[Errand]) -> int:
    """As `make_room`, but a job whose own weights are to be measured stays."""
    waiting = list(waiting)
    victims = [victim for victim in _victims() if victim.priority < USUAL_PRIORITY] if waiting else []
    asked = 0
    for victim in victims:
        wants = [
            one for one in waiting if one.device_id in victim.devices and one.payload.get("source") != victim.job_id
        ]
        if wants:
            asked += _leave(victim, {"for_errand": wants[0].kind})
    return asked


def _leave(victim: Victim, whom: dict[str, Any]) -> bool:
    return asking.drain(Job(pk=victim.job_id), EndReason.PREEMPTED, Actor.SCHEDULER, room_for=whom)


def _room_for(job: Waiting, fleet: Fleet, victims: list[Victim], spoken_for: set[int]) -> list[Victim]:
    """The fewest of the least urgent that must leave so that this job can start; [] when that would not do."""
    less_urgent = sorted((v for v in victims if v.priority < job.priority), key=lambda v: (v.priority, -v.job_id))
    for devices, count in _places(job.wish, fleet):
        coming = {d.pk for d in devices if d.pk not in spoken_for and _comes_free(fleet, d)}
        chosen: list[Victim] = []
        held = {d.pk for d in devices}
        for victim in less_urgent:
            if len(coming) >= count:
                break
            if gain := (victim.devices & held) - spoken_for - coming:
                chosen.append(victim)
                coming |= gain
        if len(coming) >= count:
            spoken_for |= set(sorted(coming)[:count]) if not chosen else coming
            return chosen
    return []


def _places(wish: Wish, fleet: Fleet) -> Iterator[tuple[list[Device], int]]:
    """Where the job could run: devices, and how many of them it needs."""
    if wish.ids:
        yield [fleet.devices[slug] for slug in wish.ids if slug in fleet.devices], wish.count
        return
    yield from ((fitting, wish.count) for group in fleet.groups if len(fitting := wish.fitting(group)) >= wish.count)


def _comes_free(fleet: Fleet, device: Device) -> bool:
    """Free now, kept for a job, or about to be left by what runs there."""
    holder = fleet.holders.get(device.pk)
    return fleet.is_online(device) and (holder is None or "held_for" in holder or bool(holder.get("stopping")))


def _victims() -> list[Victim]:
    allowing = Attempt.objects.filter(
        ended_at=None, job__state__in=MAY_BE_ASKED, job__spec__schedule__preemptible=True
    ).values_list("job_id", "job__priority", "ranks__device_id")
    found: dict[int, Victim] = {}
    for job_id, priority, device_id in allowing:
        found.setdefault(job_id, Victim(job_id, priority)).devices.add(device_id)
    return list(found.values())
