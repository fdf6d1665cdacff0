"""Generalise: exact values become coarse ones, so that more rows look alike."""

import bisect
import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.steps.base import is_list_of, is_name, is_number, is_whole
from recipes.steps.table import TableStep, absent
from recipes.table import CATEGORY, Column, Table

BINS, MONTH, YEAR, PREFIX = "bins", "month", "year", "prefix"
HOW = {
    BINS: gettext_noop("Put the numbers of '%(column)s' into the ranges between %(edges)s."),
    MONTH: gettext_noop("Of the dates in '%(column)s' keep year and month."),
    YEAR: gettext_noop("Of the dates in '%(column)s' keep the year."),
    PREFIX: gettext_noop("Of the codes in '%(column)s' keep the first %(length)s characters."),
}
ISO_DATE = re.compile(r"\s*(\d{4})-(\d{1,2})(?:-|$|T|\s)")
OTHER_DATE = re.compile(r"\s*\d{1,2}[./](\d{1,2})[./](\d{4})")
"""day, month, year"""
NO_DATE = "other"


@dataclass(frozen=True)
class Generalise(TableStep):
    """What cannot be read as a number or a date becomes the word "other"; what is missing stays missing."""

    name: ClassVar[str] = "generalise"
    about: ClassVar[str] = gettext_noop("Make a column coarser: ranges of numbers, months, years, beginnings of words.")
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"how": tuple(HOW)}
    sentence: ClassVar[str] = HOW[BINS]
    protects: ClassVar[str] = gettext_noop("Exact values of this column; people are harder to pick out by it.")
    does_not_protect: ClassVar[str] = gettext_noop(
        "What other columns tell; a step 'k-anonymity' counts how many rows still look alike."
    )
    column: str
    how: str = BINS
    edges: tuple[float, ...] = ()
    """of bins, rising"""
    length: int = 2
    """of prefixes, characters"""

    @classmethod
    def check(cls, parameters: dict[str, Any], path: str) -> list[Problem]:
        problems = super().check(parameters, path)
        if not problems and parameters.get("how", BINS) == BINS and not parameters.get("edges"):
            problems = [Problem(f"{path}.edges", gettext_noop("Give the edges of the bins, for example [18, 30, 65]."))]
        return problems

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "column":
            return "" if is_name(value) else gettext_noop("Expected the name of a column.")
        if name == "how":
            return "" if value in list(HOW) else gettext_noop("Expected 'bins', 'month', 'year' or 'prefix'.")
        if name == "length":
            return "" if is_whole(value, 1, 100) else gettext_noop("Expected a whole number from 1 to 100.")
        rising = is_list_of(is_number, value) and len(value) <= 100 and list(value) == sorted(set(value))
        return "" if rising else gettext_noop("Expected at most 100 numbers, each larger than the one before.")

    def words(self) -> tuple[str, dict[str, Any]]:
        edges = ", ".join(f"{edge:g}" for edge in self.edges)
        return HOW[self.how], {"column": self.column, "edges": edges, "length": self.length}

    def problems(self, table: Table, path: str) -> list[Problem]:
        found = absent(table, (self.column,), path, "column")
        of = {column.name: column for column in table.columns}
        if not found and self.how == BINS and of[self.column].is_words:
            found = [Problem(f"{path}.column", gettext_noop("'bins' needs a column of numbers."))]
        return found

    def transform(self, table: Table, learned: Any, context: Context) -> Table:
        def changed(column: Column) -> list[Column]:
            if column.name != self.column:
                return [column]
            empty = column.empty().tolist()
            words = np.empty(len(empty), object)
            words[:] = [
                None if missing else self._coarse(value)
                for value, missing in zip(column.values.tolist(), empty, strict=True)
            ]
            context.count("values", len(empty) - sum(empty))
            return [Column(column.name, CATEGORY, words, column.missing)]

        return table.with_columns(changed)

    def _coarse(self, value: Any) -> str:
        if self.how == BINS:
            return self._range(value)
        text = value if isinstance(value, str) else f"{value:.0f}"
        return text[: self.length] if self.how == PREFIX else self._date(text)

    def _range(self, value: float) -> str:
        place = bisect.bisect_right(self.edges, value)
        low = f"{self.edges[place - 1]:g}" if place else ""
        high = f"{self.edges[place]:g}" if place < len(self.edges) else ""
        return f"{low}–{high}" if low and high else f"from {low}" if low else f"below {high}"

    def _date(self, text: str) -> str:
        iso, other = ISO_DATE.match(text), OTHER_DATE.match(text)
        if not iso and not other:
            return text.strip() if self.how == YEAR and re.fullmatch(r"\s*\d{4}\s*", text) else NO_DATE
        year, month = iso.groups() if iso else reversed(other.groups())  # type: ignore[union-attr]
        return year if self.how == YEAR else f"{year}-{int(month):02d}"
