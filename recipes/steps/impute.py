"""Impute: no value is missing any more."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from contract.problems import gettext_noop
from recipes.context import Context
from recipes.steps.table import TableStep
from recipes.table import Column, Table

NUMBERS = {
    "mean": gettext_noop("Fill missing numbers with the mean of the train split, missing words with '%(words)s'."),
    "zero": gettext_noop("Fill missing numbers with 0, missing words with '%(words)s'."),
}
MOST_FREQUENT = "most frequent"


@dataclass
class Filling:
    """What was seen in the train split, by column."""

    sums: dict[str, float] = field(default_factory=dict)
    counts: Counter = field(default_factory=Counter)
    words: dict[str, Counter] = field(default_factory=dict)


@dataclass(frozen=True)
class Impute(TableStep):
    name: ClassVar[str] = "impute"
    about: ClassVar[str] = gettext_noop("Fill in what is missing.")
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"numbers": tuple(NUMBERS)}
    numbers: str = "mean"
    words_as: str = "missing"
    """a word of its own, or "most frequent": the one that is seen most in the train split"""

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "numbers":
            return "" if value in list(NUMBERS) else gettext_noop("Expected 'mean' or 'zero'.")
        if isinstance(value, str) and 0 < len(value) <= 40:
            return ""
        return gettext_noop("Expected a word of at most 40 characters, or 'most frequent'.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return NUMBERS[self.numbers], {"words": self.words_as}

    def start(self) -> Filling:
        return Filling()

    def learn(self, learned: Filling, table: Table) -> None:
        for column in table.columns:
            there = column.values[~column.empty()]
            if column.is_words:
                learned.words.setdefault(column.name, Counter()).update(there.tolist())
            else:  # exact sums of pieces: the same number on every machine
                learned.sums[column.name] = learned.sums.get(column.name, 0.0) + math.fsum(there.tolist())
                learned.counts[column.name] += len(there)

    def transform(self, table: Table, learned: Filling, context: Context) -> Table:
        return table.with_columns(lambda column: [self._filled(column, learned)])

    def _filled(self, column: Column, learned: Filling) -> Column:
        value = self._word(column.name, learned) if column.is_words else self._number(column, learned)
        return Column(column.name, column.type, np.where(column.empty(), value, column.values))

    def _number(self, column: Column, learned: Filling) -> float:
        count = learned.counts[column.name]
        if self.numbers == "zero" or not count:
            return 0.0
        mean = learned.sums[column.name] / count
        return float(round(mean)) if column.type == "boolean" else mean

    def _word(self, name: str, learned: Filling) -> str:
        seen = learned.words.get(name)
        if self.words_as != MOST_FREQUENT or not seen:
            return self.words_as
        return min(seen, key=lambda word: (-seen[word], word))
