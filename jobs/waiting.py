"""The queue as REST and the topic `queue` show it: per device what runs there and who waits for it, in order."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from devices.models import Device
from jobs import placements, queries
from jobs.models import Job, Scheduler


def queue_json(actor: Any) -> dict[str, Any]:
    """What `actor` may see of the queue."""
    scheduler = Scheduler.objects.select_related("paused_by").first()
    paused = scheduler is not None and scheduler.paused_at is not None
    return {
        "paused": paused,
        "paused_by": scheduler.paused_by.username if scheduler and paused and scheduler.paused_by else None,
        "paused_at": queries.iso(scheduler.paused_at) if scheduler and paused else None,
        "devices": _devices(actor, timezone.now(), paused),
    }


def _devices(actor: Any, now: datetime, paused: bool) -> list[dict[str, Any]]:
    places = placements.on_devices(actor)
    jobs = {place["job"].pk for place in places.values() if place["job"]}
    running = {job.pk: job for job in queries.with_parts(Job.objects.filter(pk__in=jobs))}
    rows = []
    for device in Device.objects.filter(removed_at=None).order_by("id"):
        place = places[device.pk]
        job = running.get(place["job"].pk) if place["job"] else None
        rows.append(
            {
                "device": device.slug,
                "state": device.state,
                "running": _running(job) if job else None,
                "busy": place["hidden"] or job is not None or bool(place["errand"]),
                "waiting": _waiting(place, job, now, paused or device.state != "online"),
            }
        )
    return rows


def _running(job: Job) -> dict[str, Any]:
    return {"job": job.pk, "name": job.name, "state": job.state, "eta_seconds": queries.eta_seconds(job)}


def _waiting(place: dict[str, Any], running: Job | None, now: datetime, stopped: bool) -> list[dict[str, Any]]:
    """Each with the range in which it may start: known for the first one only, and only while the device takes jobs."""
    rows = []
    for position, job in enumerate(place["waiting"], 1):
        earliest, latest = _start(place, running, now) if position == 1 and not stopped else (None, None)
        rows.append(
            {
                "position": position,
                "job": job.pk,
                "name": job.name,
                "priority": job.priority,
                "wait_reason": job.wait_reason,
                "earliest_start": queries.iso(earliest),
                "latest_start": queries.iso(latest),
            }
        )
    return rows


def _start(place: dict[str, Any], running: Job | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    if running is None:
        return (None, None) if place["hidden"] or place["errand"] else (now, None)
    seconds = queries.eta_seconds(running)
    if seconds is None:
        return None, None
    return now + timedelta(seconds=0.8 * seconds), now + timedelta(seconds=1.5 * seconds + 10)
