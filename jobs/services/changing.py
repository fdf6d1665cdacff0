"""What can be changed about a job without touching its state, and about the queue."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from contract.problems import Invalid, Problem, gettext_noop
from jobs import clock, live
from jobs.models import Job, Scheduler
from jobs.services.asking import Refused
from jobs.states import ENDED, JobState

CHANGEABLE = ("name", "tags", "priority", "archived")
PLACES = ("up", "down", "top")


@transaction.atomic
def change(job: Job, actor: User, *, via: str = "page", address: str | None = None, **fields: Any) -> None:
    """Give a job another name, tags, priority, or archive it. Raises Invalid."""
    problems = [problem for name, value in fields.items() if (problem := _problem(name, value))]
    if problems:
        raise Invalid(problems)
    before = {name: getattr(job, name) for name in fields}
    if before == fields:
        return
    Job.objects.filter(pk=job.pk).update(**fields)
    job.refresh_from_db()
    audit.record(actor, "changed", job, via=via, before=before, after=fields, address=address)
    transaction.on_commit(lambda: live.publish_state(job.pk), robust=True)


@transaction.atomic
def remove(job: Job, actor: User, *, via: str = "page", address: str | None = None) -> None:
    """Hide an ended job; what it left stays in the database. Raises Refused while it runs or waits."""
    ended = Job.objects.filter(pk=job.pk, state__in=ENDED, removed_at=None)
    if not ended.update(removed_at=clock.now(), removed_by=actor):
        raise Refused(_("Stop this job before you remove it."))
    audit.record(actor, "removed", job, via=via, address=address)
    transaction.on_commit(lambda: live.publish_state(job.pk), robust=True)


@transaction.atomic
def move(job: Job, actor: User, to: str, *, via: str = "page", address: str | None = None) -> None:
    """Move a waiting job `up`, `down` or to the `top` among those of its priority. Raises Invalid or Refused.

    Owners take turns (`jobs/queue_order.py`); what stands at the top, below 0, comes before the turns.
    """
    if to not in PLACES:
        raise Invalid([Problem("to", gettext_noop("Choose 'up', 'down' or 'top'."))])
    row = Job.objects.select_for_update().get(pk=job.pk)
    if row.state != JobState.PENDING:
        raise Refused(_("Only a waiting job has a place in the queue."))
    neighbour = _neighbour(row, to)
    if neighbour is None:
        return
    if to == "top":
        Job.objects.filter(pk=row.pk).update(position=min(neighbour.position, 0) - 1)
    else:
        Job.objects.filter(pk=row.pk).update(position=neighbour.position)
        Job.objects.filter(pk=neighbour.pk).update(position=row.position)
    audit.record(actor, "moved in the queue", job, via=via, after={"to": to}, address=address)
    transaction.on_commit(live.publish_queue, robust=True)


def pause_queue(actor: User, *, via: str = "page", address: str | None = None) -> None:
    """No waiting job starts until the queue goes on; running ones are left alone."""
    _set_queue(actor, "queue paused", via, address, paused_by=actor, paused_at=clock.now())


def resume_queue(actor: User, *, via: str = "page", address: str | None = None) -> None:
    """Waiting jobs start again."""
    _set_queue(actor, "queue resumed", via, address, paused_by=None, paused_at=None)


@transaction.atomic
def _set_queue(actor: User, verb: str, via: str, address: str | None, **fields: Any) -> None:
    scheduler = Scheduler.objects.get_or_create(pk=1)[0]
    Scheduler.objects.filter(pk=1).update(**fields)
    audit.record(actor, verb, scheduler, via=via, address=address)
    transaction.on_commit(live.publish_queue, robust=True)


def _neighbour(job: Job, to: str) -> Job | None:
    """The job with which to change places, or before which to stand."""
    peers = Job.objects.filter(state=JobState.PENDING, removed_at=None, demo=job.demo, priority=job.priority)
    before, after = peers.filter(position__lt=job.position), peers.filter(position__gt=job.position)
    if to == "down":
        return after.order_by("position").first()
    return before.order_by("position" if to == "top" else "-position").first()


def _problem(name: str, value: Any) -> Problem | None:
    sentence = ""
    if name not in CHANGEABLE:
        sentence = gettext_noop("This cannot be changed.")
    elif name == "name" and not (isinstance(value, str) and 1 <= len(value.strip()) <= 120 and value.isprintable()):
        sentence = gettext_noop("Expected 1 to 120 characters, none of them control characters.")
    elif name == "priority" and not (type(value) is int and -10 <= value <= 10):
        sentence = gettext_noop("Expected a whole number from -10 to 10.")
    elif name == "archived" and type(value) is not bool:
        sentence = gettext_noop("Expected true or false.")
    elif name == "tags" and not _are_tags(value):
        sentence = gettext_noop("Expected a list of at most 20 texts of at most 120 characters.")
    return Problem(name, sentence) if sentence else None


def _are_tags(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 20
        and all(isinstance(tag, str) and len(tag) <= 120 and tag.isprintable() for tag in value)
    )
