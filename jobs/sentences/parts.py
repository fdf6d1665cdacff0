"""What sentences are made of: actions, and words for devices, moments and spans."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from config import formats
from jobs.models import Attempt, Job

MEASURED_STEPS = 20
"""Before so many steps of an attempt nobody knows how fast it is."""
LOOK_AGAIN_S = 2
"""The time left of a job that others wait for is worked out at most this often, however many rows show it."""


@dataclass(frozen=True)
class Action:
    """A button: a link to a page that is filled in already, or a verb that does it at once (POST)."""

    label: str
    url: str
    method: str = "get"
    verb: str = ""


@dataclass(frozen=True)
class Line:
    text: str
    tone: str = "neutral"
    actions: list[Action] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"text": self.text, "tone": self.tone, "actions": [asdict(action) for action in self.actions]}


def link(label: str, url: str) -> Action:
    return Action(label, url)


def post(label: str, job: Job, verb: str) -> Action:
    """A verb of the job's page: stop, retry, resume, start-now."""
    return Action(label, reverse("job_do", args=[job.pk, verb]), "post", verb)


def clone(job: Job, label: str = "") -> Action:
    """The same request in the form, to be changed."""
    return Action(label or _("Clone and change"), f"/jobs/new/?from={job.pk}")


def logs(job: Job, label: str = "") -> Action:
    return Action(label or _("See the log"), f"/jobs/{job.pk}/#log")


def see_job(number: int) -> Action:
    return Action(_("See job #%(job)s") % {"job": number}, f"/jobs/{number}/")


def see_device(slug: str) -> Action:
    return Action(_("See %(device)s") % {"device": slug}, f"/devices/{slug}/")


def device(params: Mapping[str, Any]) -> str:
    """The device that a reason names."""
    return str(params.get("device") or _("a device"))


def devices(slugs: Iterable[str]) -> str:
    return get_text_list([str(slug) for slug in slugs], _("and")) or _("a device")


def step(value: Any) -> str:
    return formats.whole(int(value or 0))


def moment(text: Any) -> str:
    """An ISO moment as the reader's clock shows it; "" when there is none."""
    at = at_of(text)
    return date_format(timezone.localtime(at), "j M H:i") if at else ""


def at_of(text: Any) -> datetime | None:
    return parse_datetime(text) if isinstance(text, str) and text else None


def translated(sentence: str, params: Mapping[str, Any]) -> str:
    """A sentence that another part wrote with named placeholders."""
    try:
        return _(sentence) % params if sentence else ""
    except (KeyError, TypeError, ValueError):
        return sentence


def time_left(job_id: int) -> str:
    """How long a job that others wait for still takes, as part of a sentence."""
    seconds = cache.get_or_set(f"time-left-{job_id}", lambda: _seconds_left(job_id), LOOK_AGAIN_S)
    if seconds is None or seconds < 0:
        return _("nobody knows yet how long")
    if seconds < 60:
        return _("less than a minute left")
    return _("about %(minutes)s min left") % {"minutes": round(seconds / 60)}


def _seconds_left(job_id: int) -> float:
    """At the speed of the open attempt; -1 while that is not known."""
    attempt = Attempt.objects.filter(job=job_id, ended_at=None).exclude(started_at=None).select_related("job").first()
    if attempt is None or attempt.started_at is None:
        return -1.0
    done = attempt.job.step - (attempt.resumed_from_step or 0)
    if done < MEASURED_STEPS or not attempt.job.total_steps:
        return -1.0
    seconds = (timezone.now() - attempt.started_at).total_seconds()
    return seconds / done * max(0, attempt.job.total_steps - attempt.job.step)
