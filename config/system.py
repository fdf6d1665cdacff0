"""How the server and its parts are doing: the facts behind the system page, `/api/v1/system/` and `/metrics`."""

import shutil
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from config import formats, health
from contract import timing
from devices import leases
from devices.models import Device, DeviceState, Host
from jobs.models import Job, Scheduler
from jobs.states import DRIVEN, JobState

ANSWER_WITHIN_S = 1
SLOW_S = 0.25
DISK_WARN, DISK_BAD = 0.1, 0.02


@dataclass(frozen=True)
class Part:
    """One line of the page. `tone`: ok, warn or bad; `advice`: what to do when it is not ok."""

    name: str
    label: str
    value: str
    tone: str = "ok"
    advice: str = ""


@dataclass(frozen=True)
class Sample:
    """One number for Prometheus."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Facts:
    parts: list[Part]
    samples: list[Sample]

    @property
    def tone(self) -> str:
        return next((tone for tone in ("bad", "warn") if any(part.tone == tone for part in self.parts)), "ok")

    def to_json(self) -> dict[str, Any]:
        return {"tone": self.tone, "parts": [asdict(part) for part in self.parts]}


def facts() -> Facts:
    """Everything, read now. The database must answer; a broker that does not is one of the facts."""
    now = timezone.now()
    looks = (_database(), _broker(), _scheduler(), _queue(), _leases(now), _devices(), _workers(), _promises())
    read = [*looks, _disk()]
    return Facts([part for part, _samples in read], [sample for _part, samples in read for sample in samples])


Look = tuple[Part, list[Sample]]


def _database() -> Look:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    seconds = time.perf_counter() - began
    advice = _("It answers slowly. Look for a long transaction, or move to PostgreSQL.") if seconds > SLOW_S else ""
    part = Part("database", _("Database"), _latency(seconds), "warn" if advice else "ok", advice)
    return part, [Sample("fleetune_database_seconds", seconds)]


def _broker() -> Look:
    began = time.perf_counter()
    try:
        wait = {"socket_timeout": ANSWER_WITHIN_S, "socket_connect_timeout": ANSWER_WITHIN_S}
        with redis.Redis.from_url(settings.REDIS_URL, **wait) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        advice = _("Training goes on; live updates are off and jobs start some seconds later. Start it again.")
        value = _("Does not answer: %(error)s") % {"error": type(error).__name__}
        return Part("broker", _("Broker"), value, "bad", advice), [Sample("fleetune_broker_up", 0)]
    seconds = time.perf_counter() - began
    samples = [Sample("fleetune_broker_up", 1), Sample("fleetune_broker_seconds", seconds)]
    return Part("broker", _("Broker"), _latency(seconds)), samples


def _scheduler() -> Look:
    age = health.scheduler_age()
    late = age > health.ROUND_LATE_S
    value = _("No round yet") if age == float("inf") else _("Last round %(seconds).0f s ago") % {"seconds": age}
    advice = _("No job starts and no failure is repaired meanwhile. Start control again.") if late else ""
    part = Part("scheduler", _("Scheduler"), value, "bad" if late else "ok", advice)
    return part, [Sample("fleetune_scheduler_round_age_seconds", age)]


def _queue() -> Look:
    open_jobs = Job.objects.filter(removed_at=None, state__in=[JobState.PENDING, *DRIVEN])
    states = Counter(open_jobs.values_list("state", flat=True))
    reasons = Counter(open_jobs.filter(state=JobState.PENDING).values_list("wait_reason", flat=True))
    known = {"waiting": states[JobState.PENDING], "running": sum(states[state] for state in DRIVEN)}
    samples = [
        Sample("fleetune_jobs", states[state], (("state", str(state)),)) for state in (JobState.PENDING, *DRIVEN)
    ]
    samples += [Sample("fleetune_waiting_jobs", n, (("reason", reason or "new"),)) for reason, n in reasons.items()]
    return Part("queue", _("Queue"), _("%(waiting)s waiting, %(running)s running") % known), samples


def _leases(now: datetime) -> Look:
    live = leases.live().select_related("device").order_by("renewed_at")
    ages = [(lease.device.slug, (now - lease.renewed_at).total_seconds()) for lease in live]
    samples = [Sample("fleetune_lease_age_seconds", age, (("device", slug),)) for slug, age in ages]
    if not ages:
        return Part("leases", _("Leases"), _("None: nothing runs")), samples
    slug, oldest = ages[0]
    known = {"count": len(ages), "age": formats.duration(oldest), "device": slug}
    value = _("%(count)s, the oldest renewed %(age)s ago (%(device)s)") % known
    late = oldest > timing.LEASE_TTL_S
    advice = _("%(device)s does not renew its lease: its job is moved when it stays silent.") % known if late else ""
    return Part("leases", _("Leases"), value, "warn" if late else "ok", advice), samples


def _devices() -> Look:
    states = Counter(Device.objects.filter(removed_at=None).values_list("state", flat=True))
    away = Device.objects.filter(removed_at=None, state=DeviceState.OFFLINE).order_by("slug")
    known = {"online": states[DeviceState.ONLINE], "all": sum(states.values())}
    advice = ""
    if states[DeviceState.OFFLINE]:
        names = ", ".join(away.values_list("slug", flat=True)[:5])
        advice = _("Offline: %(names)s. Start their agents, or remove them.") % {"names": names}
    part = Part("devices", _("Devices"), _("%(online)s of %(all)s online") % known, "warn" if advice else "ok", advice)
    return part, [Sample("fleetune_devices", states[state], (("state", str(state)),)) for state in DeviceState]


def _workers() -> Look:
    rows = (
        Host.objects.filter(devices__removed_at=None).distinct().order_by("name").values_list("name", "agent_version")
    )
    versions = dict(rows)
    told = sorted({version for version in versions.values() if version})
    value = ", ".join(told) or _("None has told its version")
    advice = ""
    if len(told) > 1:
        which = ", ".join(f"{name}: {version or '?'}" for name, version in versions.items())
        advice = _("Hosts run different agents (%(hosts)s). Run the join command again on the older ones.")
        advice %= {"hosts": which}
    samples = [Sample("fleetune_agent_info", 1, (("host", name), ("version", v))) for name, v in versions.items()]
    return Part("workers", _("Agent version"), value, "warn" if advice else "ok", advice), samples


def _promises() -> Look:
    row = Scheduler.objects.first()
    result = row.invariants if row else {}
    if not result:
        return Part("promises", _("Promises"), _("Not checked yet"), "ok", _("Press Check now.")), []
    broken = result["violations"]
    seconds = (timezone.now() - (parse_datetime(result["at"]) or timezone.now())).total_seconds()
    known = {"count": len(broken), "when": formats.duration(seconds)}
    value = (
        _("%(count)s broken, checked %(when)s ago") % known if broken else _("All hold, checked %(when)s ago") % known
    )
    advice = _("Write down what follows and report it: %(violations)s") % {"violations": "; ".join(broken[:3])}
    part = Part("promises", _("Promises"), value, "bad" if broken else "ok", advice if broken else "")
    return part, [Sample("fleetune_broken_promises", len(broken))]


def _disk() -> Look:
    space = shutil.disk_usage(settings.FLEETUNE_HOME)
    share = space.free / space.total
    tone = "bad" if share < DISK_BAD else "warn" if share < DISK_WARN else "ok"
    known = {"free": formats.size(space.free), "total": formats.size(space.total)}
    advice = _("Remove jobs or datasets that nobody needs, or enlarge the disk.") if tone != "ok" else ""
    part = Part("disk", _("Disk"), _("%(free)s of %(total)s free") % known, tone, advice)
    return part, [Sample("fleetune_disk_free_bytes", space.free), Sample("fleetune_disk_bytes", space.total)]


def _latency(seconds: float) -> str:
    return _("Answers in %(time)s") % {"time": formats.milliseconds(seconds)}


def exposition(samples: Iterable[Sample]) -> str:
    """The text that Prometheus reads: gauges, one line each, the lines of one name together."""
    by_name: dict[str, list[str]] = {}
    for sample in samples:
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
        by_name.setdefault(sample.name, []).append(f"{sample.name}{{{labels}}} {_number(sample.value)}")
    return "".join(f"# TYPE {name} gauge\n" + "".join(f"{line}\n" for line in lines) for name, lines in by_name.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return "+Inf" if value == float("inf") else repr(value)
