"""What steps for tables share: they look at the train split, if there is something to learn, then change columns."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.steps.base import TABLE, Step, is_list_of, is_name
from recipes.table import CATEGORY, Column, Table

WRONG_COLUMNS = gettext_noop("Expected a list of names of columns.")
NO_COLUMN = gettext_noop("There is no column '%(name)s' at this step. There are: %(names)s.")


@dataclass(frozen=True)
class TableStep(Step):
    kinds: ClassVar[tuple[str, ...]] = (TABLE,)
    looks_at_all: ClassVar[bool] = False
    """whether it learns from every split: for what is counted, never for what a model could learn from"""

    def start(self) -> Any:
        """What `learn` fills; None for a step that learns nothing."""
        return None

    def learn(self, learned: Any, table: Table) -> None:
        """Look at a piece of the train split, as the steps before leave it."""

    def report(self, learned: Any) -> dict[str, int]:
        """Counts for the report when everything was looked at. Raises `sandbox.inside.Refused`."""
        return {}

    def transform(self, table: Table, learned: Any, context: Context) -> Table:
        """`table` changed. With nothing learned yet, no rows come and the columns have to be right."""
        raise NotImplementedError

    def problems(self, table: Table, path: str) -> list[Problem]:
        """What keeps this step from working on columns like these (there are no rows)."""
        return []


def check_columns(value: Any) -> str:
    """A list of names (one at least), as a sentence of `check_value`."""
    return "" if is_list_of(is_name, value) and value else WRONG_COLUMNS


def absent(table: Table, names: tuple[str, ...], path: str, parameter: str = "columns") -> list[Problem]:
    """A problem for each of `names` that the table has not."""
    known = ", ".join(table.names[:50])
    return [
        Problem(f"{path}.{parameter}", NO_COLUMN, {"name": name, "names": known})
        for name in names
        if name not in table.names
    ]


def each_word(table: Table, columns: tuple[str, ...], change: Callable[[str, str], str]) -> Table:
    """The words in `columns` (all columns of words when none is named) as `change(name of the column, word)` has them;
    what is missing stays missing.
    """

    def changed(column: Column) -> list[Column]:
        if not column.is_words or (columns and column.name not in columns):
            return [column]
        return [
            Column(
                column.name, column.type, _mapped(column.values.tolist(), partial(change, column.name)), column.missing
            )
        ]

    return table.with_columns(changed)


def whole_values(table: Table, columns: tuple[str, ...], change: Callable[[str], str]) -> Table:
    """Every value of `columns`, numbers too, as words that were changed; what is missing stays missing."""

    def changed(column: Column) -> list[Column]:
        if column.name not in columns:
            return [column]
        values = column.values.tolist() if column.is_words else [_written(value) for value in column.values.tolist()]
        return [Column(column.name, CATEGORY, _mapped(values, change), column.missing)]

    return table.with_columns(changed)


def _mapped(values: list[str | None], change: Callable[[str], str]) -> np.ndarray:
    words = np.empty(len(values), object)
    words[:] = [None if value is None else change(value) for value in values]
    return words


def _written(value: float) -> str | None:
    """A number as a user would write it; None when it is missing."""
    if value != value:
        return None
    return str(int(value)) if value.is_integer() else repr(value)
