"""What is wrong or doubtful in a version, by name: leaks between splits, copies, what could not be used."""

from typing import Any

from django.utils.translation import gettext_lazy

from catalog import queries
from catalog.models import DatasetVersion
from catalog.services import sources

UNREADABLE_SHOWN = 200
WORDS = {
    "contradictions": gettext_lazy("Every example that comes with different labels"),
    "leaks": gettext_lazy("Examples of validation or test that are also in another split"),
    "near_leaks": gettext_lazy("Examples of validation or test that are nearly the same as one in another split"),
    "duplicates": gettext_lazy("All but one of the examples that are the same"),
}


def checks(version: DatasetVersion) -> dict[str, Any]:
    schema = version.schema
    unreadable = queries.datasets.unreadable(version)
    return {
        "leaks": schema.get("leaks", {"exact": 0, "near": 0, "pairs": []}),
        "compares": "leaks" in schema,
        "duplicates": schema.get("duplicates", 0),
        "contradictions": schema.get("contradictions", 0),
        "unreadable": unreadable[:UNREADABLE_SHOWN],
        "unreadable_count": schema.get("unreadable_count", 0),
        "cleanable": _cleanable(schema),
        "unreadable_more": max(schema.get("unreadable_count", 0) - UNREADABLE_SHOWN, 0),
    }


def _cleanable(schema: dict[str, Any]) -> list[tuple[str, Any, int]]:
    """(name, words, how many) of each kind of example that a clean version can do without."""
    return [(name, WORDS[name], count) for name, count in sources.concerns(schema).items() if count]
