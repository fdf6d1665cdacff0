"""What is wrong or doubtful in a version, by name: leaks between splits, copies, what could not be used."""

from typing import Any

from catalog import queries
from catalog.models import DatasetVersion

UNREADABLE_SHOWN = 200


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
        "unreadable_more": max(schema.get("unreadable_count", 0) - UNREADABLE_SHOWN, 0),
    }
