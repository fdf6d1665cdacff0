"""What needs somebody: failed jobs, jobs that wait too long, devices that are gone, disks that fill up."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.permissions import visible
from config.formats import size
from devices.models import DeviceState
from jobs import queries, sentences
from jobs.models import Job
from jobs.states import JobState

FAILED_FOR = timedelta(hours=24)
WAITING_FOR = timedelta(minutes=10)
LEAST_FREE_SHARE = 0.10
SHOWN = 4


@dataclass(frozen=True)
class Item:
    key: str
    tone: str
    title: str
    """what it is about, a link"""
    url: str
    text: str
    """what happened and why, one sentence"""
    actions: list[dict[str, Any]] = field(default_factory=list)


def items(actor: Any, devices: list[dict[str, Any]]) -> list[Item]:
    """Most urgent first. Demo jobs count too while they fail: that is the first thing a new user sees."""
    return [*_failed(actor), *_gone(devices), *_short_of_space(devices), *_waiting(actor)]


def _failed(actor: Any) -> list[Item]:
    since = timezone.now() - FAILED_FOR
    jobs = visible(
        actor, Job.objects.filter(removed_at=None, archived=False, state=JobState.FAILED, ended_at__gte=since)
    )
    return [_of_job(job, "bad") for job in queries.with_parts(jobs).order_by("-ended_at")[:20]]


def _waiting(actor: Any) -> list[Item]:
    before = timezone.now() - WAITING_FOR
    jobs = visible(actor, Job.objects.filter(removed_at=None, state=JobState.PENDING, created_at__lt=before))
    jobs = jobs.exclude(wait_reason__in=("scheduled", "paused", "source_job"))
    return [_of_job(job, "warn") for job in queries.with_parts(jobs).order_by("created_at")[:20]]


def _of_job(job: Job, tone: str) -> Item:
    line = sentences.state_line(job)
    return Item(
        f"job-{job.pk}", tone, f"#{job.pk} {job.name}", reverse("job", args=[job.pk]), line["text"], line["actions"][:2]
    )


def _gone(devices: list[dict[str, Any]]) -> list[Item]:
    gone = [row for row in devices if row["state"] == DeviceState.OFFLINE]
    if len(gone) > 1 and len(gone) == len(devices):
        text = _("None of the %(n)s devices answers, so no job can run.") % {"n": len(gone)}
        return [Item("all-offline", "bad", _("All devices are offline"), reverse("devices"), text, [_see_devices()])]
    return [_offline(row) for row in gone]


def _offline(row: dict[str, Any]) -> Item:
    text = _("It is offline: its agent does not answer. Look at %(host)s.") % {"host": row["host"]}
    url = reverse("device", args=[row["slug"]])
    action = {"label": _("See device"), "url": url, "method": "get"}
    return Item(f"device-{row['slug']}", "warn", row["name"], url, text, [action])


def _short_of_space(devices: list[dict[str, Any]]) -> list[Item]:
    """A disk belongs to a host: one line a host."""
    found: dict[str, Item] = {}
    for row in devices:
        free, total = row["reading"].get("system/disk_free_bytes"), row["reading"].get("system/disk_bytes")
        if free is None or not total or free / total >= LEAST_FREE_SHARE:
            continue
        text = _("Only %(free)s of %(total)s are free on its disk.") % {"free": size(free), "total": size(total)}
        found[row["host"]] = Item(
            f"disk-{row['host']}", "warn", row["host"], reverse("devices"), text, [_see_devices()]
        )
    return list(found.values())


def _see_devices() -> dict[str, Any]:
    return {"label": _("See devices"), "url": reverse("devices"), "method": "get"}
