"""Which jobs a list shows: the filter bar's text, chips, and the order."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import filter_text
from accounts.permissions import visible
from jobs import headline_figure
from jobs.models import Job, Latest
from jobs.states import DRIVEN, ENDED, JobState

NAMES = ("state", "owner", "dataset", "device", "tag", "is")
GROUPS: dict[str, Any] = {
    "waiting": [JobState.PENDING],
    "preparing": [JobState.CLAIMED, JobState.STARTING],
    "active": list(DRIVEN),
    "ended": list(ENDED),
}
"""words beside the states themselves that `state:` takes"""
CHIPS = (
    ("is", "mine", gettext_lazy("Mine")),
    ("state", "running", gettext_lazy("Running")),
    ("state", "waiting", gettext_lazy("Waiting")),
    ("state", "failed", gettext_lazy("Failed")),
    ("state", "succeeded", gettext_lazy("Done")),
    ("is", "archived", gettext_lazy("Archived")),
)
"""the filters that a click sets, each with what the chip says"""
SORTS = {"id": "pk", "name": "name", "state": "state", "result": "result", "loss": "loss", "ended": "ended_at"}


@dataclass(frozen=True)
class Chosen:
    """The jobs that fit, in order; what of the text could not be understood."""

    jobs: QuerySet[Job]
    text: str
    sort: str
    unknown: list[str] = field(default_factory=list)


def chosen(actor: Any, text: str, sort: str) -> Chosen:
    query = filter_text.parse(text, NAMES)
    sort = sort if sort.removeprefix("-") in SORTS else "-id"
    unknown = [_("This list cannot be filtered by '%(name)s'.") % {"name": name} for name in query.unknown]
    return Chosen(_sorted(_filtered(actor, query), sort), text, sort, unknown)


def chip_counts(actor: Any) -> dict[str, int]:
    """How many jobs each chip would show by itself, in one query."""
    states = {value: GROUPS.get(value, [value]) for name, value, _label in CHIPS if name == "state"}
    open_ones = Q(archived=False)
    wanted = {value: Count("pk", filter=open_ones & Q(state__in=found)) for value, found in states.items()}
    wanted |= {
        "mine": Count("pk", filter=open_ones & Q(owner=actor)),
        "archived": Count("pk", filter=Q(archived=True)),
    }
    return visible(actor, Job.objects.filter(removed_at=None)).order_by().aggregate(**wanted)


def _filtered(actor: Any, query: filter_text.FilterText) -> QuerySet[Job]:
    jobs = visible(actor, Job.objects.filter(removed_at=None, archived="archived" in query.many("is")))
    if "mine" in query.many("is"):
        jobs = jobs.filter(owner=actor)
    if "demo" in query.many("is"):
        jobs = jobs.filter(demo=True)
    if query.many("state"):
        jobs = jobs.filter(state__in=[state for word in query.many("state") for state in GROUPS.get(word, [word])])
    if query.many("owner"):
        jobs = jobs.filter(owner__username__in=query.many("owner"))
    if query.many("dataset"):
        jobs = jobs.filter(version__dataset__slug__in=query.many("dataset"))
    for slug in query.many("device"):
        jobs = jobs.filter(pk__in=_on_device(slug))
    for tag in query.many("tag"):
        jobs = jobs.filter(pk__in=_tagged(jobs, tag))
    for word in query.words:
        jobs = jobs.filter(_text(word))
    return jobs


def _text(word: str) -> Q:
    number = word.removeprefix("#")
    by_number = Q(pk=int(number)) if number.isdecimal() and len(number) < 16 else Q()
    return by_number | Q(name__icontains=word) | Q(version__dataset__name__icontains=word)


def _on_device(slug: str) -> QuerySet:
    return Job.objects.filter(attempts__ranks__device__slug=slug).values("pk")


def _tagged(jobs: QuerySet[Job], tag: str) -> list[int]:
    """SQLite has no containment of JSON lists: the few rows that hold the text are looked at here."""
    rows = jobs.filter(tags__icontains=tag).values_list("pk", "tags")
    return [number for number, tags in rows if tag in tags]


def _sorted(jobs: QuerySet[Job], sort: str) -> QuerySet[Job]:
    name = sort.removeprefix("-")
    if name == "result":
        jobs = headline_figure.sorted_by(jobs, name)
    if name == "loss":
        latest = Latest.objects.filter(job=OuterRef("pk"), key="eval/loss").values("value")[:1]
        jobs = jobs.annotate(loss=Subquery(latest))
    column = F(SORTS[name])
    order = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    return jobs.order_by(order, "-pk")
