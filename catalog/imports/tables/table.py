"""A table as it was read, before anybody knows what its columns mean."""

import math
from dataclasses import dataclass, field
from typing import Any

MISSING = {"", "na", "n/a", "nan", "inf", "+inf", "-inf", "null", "#n/a", "?"}
"""how text says that there is no value, in any capitals"""


@dataclass
class Table:
    """`rows` hold a value for each of `names`: text, number, true/false, list or object; None is missing."""

    names: list[str]
    rows: list[list[Any]]
    row_names: list[str]
    """how each row is called when it is shown: "row 12" """
    detected: dict[str, Any] = field(default_factory=dict)
    """encoding, delimiter, decimal, header: what had to be found out"""
    skipped: list[dict[str, Any]] = field(default_factory=list)
    """rows that could not be read: {"name", "reason", "params", "of"}"""

    def column(self, name: str) -> list[Any]:
        index = self.names.index(name)
        return [row[index] for row in self.rows]


def is_missing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().casefold() in MISSING
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def own_names(names: list[Any]) -> list[str]:
    """A name for every column, and no two alike: "column 3" for one without, "size (2)" for the second of its name."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        base = str(name or "").strip() or f"column {number}"
        own, again = base, 2
        while own in found:
            own, again = f"{base} ({again})", again + 1
        found.append(own)
    return found
