"""Which job runs on which device, and what waits for it: for pages that list devices."""

from collections import defaultdict
from typing import Any

from accounts.permissions import visible
from devices.models import Device
from jobs import queue_order
from jobs.models import Errand, ErrandState, Job, Rank
from jobs.states import JobState

NEXT_SHOWN = 5


def on_devices(actor: Any) -> dict[int, dict[str, Any]]:
    """`{device id: {"job": Job or None, "hidden": bool, "errand": kind or "", "waiting": [Job, …]}}`.

    `hidden`: a job runs there that the actor may not see. Six queries, whatever the number of devices.
    """
    places: dict[int, dict[str, Any]] = defaultdict(lambda: {"job": None, "hidden": False, "errand": "", "waiting": []})
    seen = set(visible(actor, Job.objects.all()).values_list("project_id", flat=True).distinct())
    for rank in Rank.objects.filter(attempt__ended_at=None).select_related("attempt__job"):
        job = rank.attempt.job
        places[rank.device_id] |= {"job": job if job.project_id in seen else None, "hidden": job.project_id not in seen}
    for errand in Errand.objects.filter(state=ErrandState.RUNNING):
        places[errand.device_id]["errand"] = errand.kind
    _add_waiting(actor, places)
    return places


def _add_waiting(actor: Any, places: dict[int, dict[str, Any]]) -> None:
    """A job that names devices waits for those; one that names a number waits for any."""
    pending = visible(actor, Job.objects.filter(state=JobState.PENDING, removed_at=None))
    by_slug = dict(Device.objects.filter(removed_at=None).values_list("slug", "pk"))
    place = {pk: number for number, pk in enumerate(queue_order.in_order(pending))}
    for job in sorted(pending, key=lambda job: place[job.pk]):
        slugs = job.spec["devices"]["ids"] or by_slug
        for slug in slugs:
            if slug in by_slug:
                places[by_slug[slug]]["waiting"].append(job)
