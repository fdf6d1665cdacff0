"""Standardise: every column of numbers has mean 0 and standard deviation 1 over the train split."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from contract.problems import gettext_noop
from recipes.context import Context
from recipes.steps.table import TableStep
from recipes.table import NUMBER, Column, Table


@dataclass
class Moments:
    """Count, mean and sum of squared deviations, joined piece by piece (Chan, Golub and LeVeque 1979).

    Each piece is summed exactly, so that the result is the same on every machine.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: list[float]) -> None:
        if not values:
            return
        mean = math.fsum(values) / len(values)
        squares = math.fsum((value - mean) * (value - mean) for value in values)
        total, apart = self.count + len(values), mean - self.mean
        self.squares += squares + apart * apart * self.count * len(values) / total
        self.mean += apart * len(values) / total
        self.count = total

    @property
    def deviation(self) -> float:
        """1 for a constant column: it is not divided."""
        return math.sqrt(self.squares / self.count) if self.count and self.squares > 0 else 1.0


@dataclass(frozen=True)
class Standardise(TableStep):
    """(value − mean) / standard deviation, of the train split; columns of zeros and ones too. Missing stays missing."""

    name: ClassVar[str] = "standardise"
    about: ClassVar[str] = gettext_noop("Bring every column of numbers to mean 0 and standard deviation 1.")
    sentence: ClassVar[str] = gettext_noop(
        "Subtract the mean of each column of numbers and divide by its standard deviation (of the train split)."
    )

    def start(self) -> dict[str, Moments]:
        return {}

    def learn(self, learned: dict[str, Moments], table: Table) -> None:
        for column in table.columns:
            if not column.is_words:
                there = column.values[~np.isnan(column.values)].tolist()
                learned.setdefault(column.name, Moments()).add(there)

    def transform(self, table: Table, learned: dict[str, Moments], context: Context) -> Table:
        return table.with_columns(lambda column: [column if column.is_words else _standard(column, learned)])


def _standard(column: Column, learned: dict[str, Moments]) -> Column:
    moments = learned.get(column.name, Moments())
    return Column(column.name, NUMBER, (column.values - moments.mean) / moments.deviation, column.missing)
