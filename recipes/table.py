"""A piece of a table in columns: what steps for tables take and give."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

NUMBER, CATEGORY, BOOLEAN, TEXT = "number", "category", "boolean", "text"
NOTHING = np.array(None, object)


@dataclass(frozen=True)
class Column:
    """Numbers and truth values are float64 (missing = NaN, true = 1), words are objects (missing = None)."""

    name: str
    type: str
    values: np.ndarray
    missing: bool = False
    """whether any value of the whole column may be missing"""

    @property
    def is_words(self) -> bool:
        return self.type in (CATEGORY, TEXT)

    def empty(self) -> np.ndarray:
        """bool [n]: which values are missing"""
        return np.equal(self.values, NOTHING).astype(bool) if self.is_words else np.isnan(self.values)


@dataclass(frozen=True)
class Table:
    """So many rows; `first` is the number in the version of each of them, for what hangs on chance."""

    columns: tuple[Column, ...]
    numbers: np.ndarray

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def with_columns(self, change: Callable[[Column], Iterable[Column]]) -> "Table":
        """Each column replaced by those that `change` makes of it."""
        return replace(self, columns=tuple(new for column in self.columns for new in change(column)))


def table_of(columns: list[dict[str, Any]], rows: list[list[Any]], numbers: Iterable[int] = ()) -> Table:
    """`rows` of a version whose head has these `columns`."""
    parts = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    made = (_column(facts, values) for facts, values in zip(columns, parts, strict=True))
    return Table(tuple(made), np.array(list(numbers), np.int64))


def _column(facts: dict[str, Any], values: Iterable[Any]) -> Column:
    missing = facts.get("missing", 0) > 0
    if facts["type"] in (CATEGORY, TEXT):
        words = np.empty(len(tuple(values)), object)
        words[:] = [None if value is None else str(value) for value in values]
        return Column(facts["name"], facts["type"], words, missing)
    numbers = np.array([np.nan if value is None else float(value) for value in values], np.float64)
    return Column(facts["name"], facts["type"], numbers, missing)
