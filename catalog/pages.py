"""What pages of datasets show: rows of the list, and one version with its classes, recipe and readiness."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from accounts import filter_text
from catalog import queries, recipes
from catalog.models import Dataset, DatasetVersion, PreparedData
from contract.problems import Invalid

FILTERS = ("state", "task", "class")
CLASSES_SHOWN = 50


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
    found = queries.datasets_of(actor).annotate(last_used=Max("versions__jobs__created_at"))
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
        prepared = newest_prepared(version)
        ready = queries.readiness_summary(prepared) if prepared else None
        found.append(DatasetRow(dataset, queries.dataset_json(dataset), ready, dataset.last_used))
    return found


def newest_prepared(version: DatasetVersion | None) -> PreparedData | None:
    return version.prepared.select_related("recipe").order_by("-pk").first() if version else None


def overview(version: DatasetVersion) -> dict[str, Any]:
    """Classes as bars, splits, the recipe in words, readiness per device."""
    prepared = newest_prepared(version)
    steps = prepared.recipe.steps if prepared else recipes.default_steps(version, queries.task_of(version))
    readiness = queries.readiness(prepared) if prepared else []
    return {
        "classes": _bars(version),
        "classes_more": max(len(version.schema.get("classes", [])) - CLASSES_SHOWN, 0),
        "splits": [(name, split["count"]) for name, split in version.splits.items()],
        "prepared": prepared,
        "prepared_error": _(prepared.error) % prepared.error_params if prepared and prepared.error else "",
        "recipe_words": _words(steps),
        "recipe_steps": steps,
        "recipe_hash": prepared.recipe.hash if prepared else "",
        "readiness": readiness,
        "ready_count": sum(row["status"] == "ready" for row in readiness),
        "unreadable": queries.datasets.unreadable(version)[:50],
        "warnings": queries.dataset_json(version.dataset)["warnings"],
    }


def _bars(version: DatasetVersion) -> list[dict[str, Any]]:
    """Each class with its count a split, and its share of the largest class."""
    names = version.schema.get("classes", [])[:CLASSES_SHOWN]
    counts = {
        name: {split: part.get("classes", {}).get(name, 0) for split, part in version.splits.items()} for name in names
    }
    totals = {name: sum(parts.values()) for name, parts in counts.items()}
    largest = max(totals.values(), default=1) or 1
    return [
        {"name": name, "total": totals[name], "share": totals[name] / largest, "splits": list(counts[name].values())}
        for name in names
    ]


def _words(steps: list[dict[str, Any]]) -> list[str]:
    try:
        return recipes.words(steps)
    except Invalid:
        return [str(step.get("step", "")) for step in steps]


def is_busy(datasets: list[DatasetRow]) -> bool:
    """Whether something changes by itself soon, so that the page asks more often."""
    return any(row.dataset.importing_since for row in datasets)
