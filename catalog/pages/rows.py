"""Rows of the list of datasets."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from accounts import filter_text
from catalog import queries
from catalog.models import Dataset

FILTERS = ("state", "task", "class")


@dataclass
class DatasetRow:
    dataset: Dataset
    parts: dict[str, Any]
    ready: dict[str, int] | None
    """{"ready", "devices"} of the data prepared last; None while nothing was prepared"""
    last_used: Any


def filtered(actor: Any, text: str):
    """Datasets that every word and term of the filter bar fits, newest first."""
    query = filter_text.parse(text, FILTERS)
    found: Any = queries.datasets_of(actor).annotate(last_used=Max("versions__jobs__created_at"))
    if query.many("state"):
        found = queries.in_state(found, query.many("state"))
    if query.many("task"):
        found = found.filter(task__in=query.many("task"))
    for name in query.many("class"):
        found = found.filter(versions__schema__classes__icontains=name)
    for word in query.words:
        found = found.filter(name__icontains=word)
    return found.order_by("-pk").distinct()


def rows(datasets) -> list[DatasetRow]:
    found = []
    for dataset in datasets:
        version = queries.latest(dataset)
        prepared = queries.newest_prepared(version)
        ready = queries.readiness_summary(prepared) if prepared else None
        found.append(DatasetRow(dataset, queries.dataset_json(dataset), ready, dataset.last_used))
    return found


def is_busy(datasets: list[DatasetRow]) -> bool:
    """Whether something changes by itself soon, so that the page asks more often."""
    return any(row.dataset.importing_since for row in datasets)
