"""One verb on several jobs: says how many it changed, and of the rest why not."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib.messages import SUCCESS, WARNING
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.permissions import may
from jobs import services
from jobs.models import Job

MOST = 1000
Sentence = tuple[int, str]


def act(verb: str, jobs: list[Job], actor: Any) -> list[Sentence]:
    """Do `verb` (stop, retry, archive, unarchive) to each that `actor` may change; sentences with their level."""
    if verb not in VERBS:
        return [(WARNING, _("Choose what to do with the selected jobs."))]
    if not jobs:
        return [(WARNING, _("No job was selected."))]
    results = Counter(_one(VERBS[verb], job, actor) for job in jobs)
    return [sentence for outcome, count in results.items() if (sentence := _told(verb, outcome, count))]


def _one(change: Callable[[Job, Any], Any], job: Job, actor: Any) -> str:
    if not may(actor, "change", job):
        return "denied"
    try:
        change(job, actor)
    except services.Refused:
        return "refused"
    return "done"


def _told(verb: str, outcome: str, n: int) -> Sentence:
    if outcome == "denied":
        return WARNING, ngettext(
            "%(n)s job belongs to somebody else and stays as it is.",
            "%(n)s jobs belong to somebody else and stay as they are.",
            n,
        ) % {"n": n}
    return (SUCCESS if outcome == "done" else WARNING), _sentence(verb, outcome, n) % {"n": n}


def _sentence(verb: str, outcome: str, n: int) -> str:
    done = {
        "stop": ngettext("%(n)s job stops.", "%(n)s jobs stop.", n),
        "retry": ngettext("%(n)s job is queued again.", "%(n)s jobs are queued again.", n),
        "archive": ngettext("%(n)s job was archived.", "%(n)s jobs were archived.", n),
        "unarchive": ngettext("%(n)s job is back in the list.", "%(n)s jobs are back in the list.", n),
    }
    refused = {
        "stop": ngettext("%(n)s was done already.", "%(n)s were done already.", n),
        "retry": ngettext(
            "%(n)s cannot be tried again: it has not ended, or it succeeded.",
            "%(n)s cannot be tried again: they have not ended, or they succeeded.",
            n,
        ),
        "archive": ngettext("%(n)s has not ended and stays.", "%(n)s have not ended and stay.", n),
        "unarchive": ngettext("%(n)s was not archived.", "%(n)s were not archived.", n),
    }
    return (done if outcome == "done" else refused)[verb]


VERBS: dict[str, Callable[[Job, Any], Any]] = {
    "stop": lambda job, actor: services.cancel(job, actor),
    "retry": lambda job, actor: services.retry(job, actor),
    "archive": lambda job, actor: services.change(job, actor, archived=True),
    "unarchive": lambda job, actor: services.change(job, actor, archived=False),
}
