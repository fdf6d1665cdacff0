"""The first minutes: a demo that trains, three steps with ticks, and whether every part of this server answers."""

import shutil
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import visible
from catalog.models import Dataset
from config.formats import size
from devices.models import Device, DeviceState
from jobs import page_rows, queries, sparkline
from jobs.models import Job, Scheduler
from jobs.states import DRIVEN, ENDED

ANSWER_WITHIN_S = 1
TICK_AGE_S = 15


@dataclass(frozen=True)
class Step:
    key: str
    label: str
    text: str
    url: str
    action: str
    done: bool


@dataclass(frozen=True)
class Check:
    key: str
    label: str
    ok: bool
    text: str
    """how it is, or what to do"""


def context(actor: User) -> dict[str, Any]:
    row = demo_row(actor)
    return {
        "demo": row,
        "demo_is": how_the_demo_is(actor),
        "curves": sparkline.curves(row.job) if row else {},
        "demo_jobs": demo_jobs(actor),
        "demo_left": bool(row) or visible(actor, Dataset.objects.filter(demo=True, removed_at=None)).exists(),
        "steps": steps(actor),
        "checks": checks(),
    }


def how_the_demo_is(actor: User) -> str:
    """`running` (or waiting to), `over`, `removed`, or nothing where it never was or cannot be seen."""
    jobs = visible(actor, Job.objects.filter(demo=True))
    there = jobs.filter(removed_at=None)
    if there.exclude(state__in=ENDED).exists():
        return "running"
    if there.exists():
        return "over"
    return "removed" if jobs.exists() else ""


def demo_row(actor: User) -> page_rows.JobRow | None:
    """The demo job to watch: the one that runs, else the one that will, else the one that ended last."""
    jobs = visible(actor, Job.objects.filter(demo=True, removed_at=None))
    running = jobs.filter(state__in=DRIVEN).order_by("-step", "pk").first()
    chosen = running or jobs.exclude(state__in=ENDED).order_by("pk").first() or jobs.order_by("-ended_at").first()
    if chosen is None:
        return None
    return page_rows.of(queries.with_parts(Job.objects.filter(pk=chosen.pk)))[0]


def demo_jobs(actor: User) -> list[page_rows.JobRow]:
    jobs = visible(actor, Job.objects.filter(demo=True, removed_at=None))
    return page_rows.of(queries.with_parts(jobs).order_by("-pk")[:6])


def steps(actor: User) -> list[Step]:
    own_jobs = visible(actor, Job.objects.filter(demo=False))
    own_data = visible(actor, Dataset.objects.filter(demo=False, removed_at=None))
    alive = Device.objects.filter(state__in=(DeviceState.ONLINE, DeviceState.DRAINING), removed_at=None)
    count = alive.count()
    return [
        Step(
            "device",
            _("Add a device"),
            _("%(n)s connected. Add the GPUs and machines that should train with them.") % {"n": count}
            if count
            else _("Connect the GPUs and machines that should train."),
            reverse("device_add"),
            _("Add device"),
            count > 0,
        ),
        Step(
            "data",
            _("Add data"),
            _("Drop a zip with one folder of pictures for each class."),
            reverse("dataset_add"),
            _("Add data"),
            own_data.exists(),
        ),
        Step(
            "job",
            _("Start your first job"),
            _("The defaults are good: choose the data and press Start."),
            reverse("job_new"),
            _("New job"),
            own_jobs.exists(),
        ),
    ]


def checks() -> list[Check]:
    """The database answers, or this page would not be there; the rest is asked."""
    return [
        Check("database", _("Database"), True, _("Answers.")),
        _broker(),
        _worker(),
        _scheduler(),
        _storage(),
    ]


def _broker() -> Check:
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=ANSWER_WITHIN_S, socket_connect_timeout=ANSWER_WITHIN_S
        )
        with client:
            client.ping()
    except (redis.RedisError, OSError):
        return Check("broker", _("Broker"), False, _("Does not answer. Start it again with make up."))
    return Check("broker", _("Broker"), True, _("Answers."))


def _worker() -> Check:
    online = Device.objects.filter(state__in=(DeviceState.ONLINE, DeviceState.DRAINING), removed_at=None).count()
    if not online:
        text = _("No worker is running on this server. Start it with make up, or add a device.")
        return Check("worker", _("Workers"), False, text)
    return Check("worker", _("Workers"), True, _("%(n)s online.") % {"n": online})


def _scheduler() -> Check:
    row = Scheduler.objects.first()
    fresh = row and row.last_tick_at and (timezone.now() - row.last_tick_at).total_seconds() < TICK_AGE_S
    if not fresh:
        return Check("scheduler", _("Scheduler"), False, _("Has not looked at the queue lately. Run make up."))
    return Check("scheduler", _("Scheduler"), True, _("Looks at the queue every few seconds."))


def _storage() -> Check:
    usage = shutil.disk_usage(settings.FLEETUNE_HOME)
    free = usage.free / usage.total
    text = _("%(free)s free of %(total)s.") % {"free": size(usage.free), "total": size(usage.total)}
    if free < 0.1:
        text += " " + _("Make room: old checkpoints and datasets are the largest.")
    return Check("storage", _("Storage"), free >= 0.1, text)
