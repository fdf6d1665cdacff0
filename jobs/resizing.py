"""A job that went on with fewer devices takes more when they come back (`schedule.min_devices`)."""

from datetime import datetime, timedelta

from contract.reasons import EndReason
from jobs.fleet import Fleet
from jobs.models import Attempt
from jobs.services import asking
from jobs.states import Actor, JobState
from jobs.wishes import Wish

SETTLED_S = 20
"""A resize costs a restart: an attempt is left alone for so long, so that a device that comes and goes costs little."""


def take_back_devices(fleet: Fleet, now: datetime) -> int:
    """Ask shrunken jobs to end at a checkpoint when devices are left over that they lack; how many were asked.

    Called at the end of a round: what waits has had its turn at the free devices.
    """
    free = fleet.free(fleet.online)
    if not free:
        return 0
    asked = 0
    for attempt in _shrunken(now):
        wish = Wish.of(attempt.job.spec["devices"], attempt.job.spec["schedule"])
        more = [d for d in _like(fleet, attempt, wish) if d in free][: wish.count - attempt.world_size]
        if more:
            fleet.hold(more, attempt.job_id)
            free = fleet.free(free)
            asked += asking.drain(attempt.job, EndReason.RESIZED, Actor.SCHEDULER, device=more[0])
    return asked


def _shrunken(now: datetime) -> list[Attempt]:
    elastic = Attempt.objects.filter(
        ended_at=None, job__state=JobState.RUNNING, started_at__lt=now - timedelta(seconds=SETTLED_S)
    ).filter(job__spec__schedule__min_devices__gt=0)
    attempts = elastic.select_related("job").prefetch_related("ranks")
    return [a for a in attempts if a.world_size < (len(a.job.spec["devices"]["ids"]) or a.job.spec["devices"]["count"])]


def _like(fleet: Fleet, attempt: Attempt, wish: Wish) -> list:
    """Devices that are what was asked for and can train with those that the attempt has."""
    mine = {rank.device_id for rank in attempt.ranks.all()}
    group = next((group for group in fleet.groups if mine & {device.pk for device in group}), [])
    return wish.fitting(d for d in group if not wish.ids or d.slug in wish.ids)
