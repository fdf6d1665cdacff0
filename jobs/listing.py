"""Which jobs a list shows, and in which order: the filters of `/api/v1/jobs/`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.permissions import visible
from contract.problems import Invalid, Problem, gettext_noop, unknown
from jobs.models import Job, Latest
from jobs.states import JobState

ORDERS = {
    "id": "pk",
    "name": "name",
    "state": "state",
    "priority": "priority",
    "created_at": "pk",
    "started_at": "started_at",
    "ended_at": "ended_at",
}
FILTERS = ("state", "owner", "dataset", "search", "ordering", "project", "tag", "archived", "demo")
METRIC = re.compile(r"[A-Za-z0-9_.@-]+(/[A-Za-z0-9_.@-]+)+")
MAX_SEARCH = 200


class ByMetric:
    """Jobs in order of the last value of a metric, those that have none behind. A page reads a stretch of the index
    on (key, value) instead of sorting all jobs."""

    def __init__(self, jobs: QuerySet[Job], key: str, descending: bool):
        self.jobs, self.key = jobs, key
        rows = Latest.objects.filter(Exists(jobs.order_by().filter(pk=OuterRef("job"))), key=key)
        self.rows = rows.order_by("-value" if descending else "value", "job")

    def count(self) -> int:
        return self.jobs.count()

    def __getitem__(self, part: slice) -> list[Job]:
        numbers = list(self.rows.values_list("job_id", flat=True)[part])
        wanted = part.stop - part.start
        if len(numbers) < wanted:
            have = self.rows.count()
            rest = self.jobs.exclude(latest__key=self.key).order_by("-pk").values_list("pk", flat=True)
            start = max(0, part.start - have)
            numbers += rest[start : start + wanted - len(numbers)]
        by_number = self.jobs.in_bulk(numbers)
        return [by_number[number] for number in numbers if number in by_number]


def jobs_of(actor: Any, filters: Mapping[str, Any] | None = None) -> QuerySet[Job] | ByMetric:
    """The jobs that `actor` may see and `filters` (single values, or lists in a QueryDict) let through, in order.

    Raises Invalid naming each filter, state or order that there is not.
    """
    chosen = _many(filters or {})
    problems = [unknown(name, name, FILTERS) for name in chosen if name not in FILTERS]
    jobs = visible(actor, Job.objects.filter(removed_at=None))
    for name, values in chosen.items():
        if name in FILTERS and name != "ordering":
            found = _CONDITIONS[name](values)
            problems += [found] if isinstance(found, Problem) else []
            jobs = jobs if isinstance(found, Problem) else jobs.filter(found)
    if "archived" not in chosen:
        jobs = jobs.filter(archived=False)
    ordered = _ordered(jobs, chosen.get("ordering", ["-id"])[-1])
    if isinstance(ordered, Problem):
        raise Invalid([*problems, ordered])
    if problems:
        raise Invalid(problems)
    return ordered


def _many(filters: Mapping[str, Any]) -> dict[str, list[str]]:
    if hasattr(filters, "lists"):
        return {name: values for name, values in filters.lists() if name not in ("page", "page_size")}
    return {name: value if isinstance(value, list) else [value] for name, value in filters.items()}


def _ordered(jobs: QuerySet[Job], ordering: str) -> "QuerySet[Job] | ByMetric | Problem":
    name, descending = ordering.removeprefix("-"), ordering.startswith("-")
    if METRIC.fullmatch(name):
        return ByMetric(jobs, name, descending)
    if name not in ORDERS:
        return unknown("ordering", name, [*ORDERS, "train/loss", "eval/accuracy"])
    sign = "-" if descending else ""
    return jobs.order_by(sign + ORDERS[name], "-pk")


def _state(values: list[str]) -> Q | Problem:
    states = [state for value in values for state in value.split(",")]
    strange = [state for state in states if state not in JobState.values]
    return unknown("state", strange[0], JobState.values) if strange else Q(state__in=states)


def _search(values: list[str]) -> Q | Problem:
    """`#12`, or a number alone, is job 12; words are looked for in names, tags and datasets, all of them."""
    text = " ".join(values).strip()
    if len(text) > MAX_SEARCH:
        return Problem("search", gettext_noop("At most 200 characters."))
    words = text.split()
    found = Q()
    for word in words:
        one = Q(name__icontains=word) | Q(tags__icontains=word) | Q(version__dataset__slug=word)
        number = word.removeprefix("#")
        if (word != number or len(words) == 1) and number.isascii() and number.isdecimal() and len(number) < 19:
            one |= Q(pk=int(number))
        found &= one
    return found


def _tagged(tag: str) -> Q:
    """SQLite keeps JSON with escapes, PostgreSQL without."""
    return Q(tags__icontains=json.dumps(tag)) | Q(tags__icontains=json.dumps(tag, ensure_ascii=False))


def _yes_or_no(name: str, values: list[str]) -> Q | Problem:
    words = {"true": True, "1": True, "false": False, "0": False}
    if values[-1] not in words:
        return Problem(name, gettext_noop("Expected true or false."))
    return Q(**{name: words[values[-1]]})


_CONDITIONS: dict[str, Any] = {
    "state": _state,
    "owner": lambda values: Q(owner__username__in=values),
    "dataset": lambda values: Q(version__dataset__slug__in=values),
    "project": lambda values: Q(project__slug__in=values),
    "tag": lambda values: _tagged(values[-1]),
    "search": _search,
    "archived": lambda values: _yes_or_no("archived", values),
    "demo": lambda values: _yes_or_no("demo", values),
}
