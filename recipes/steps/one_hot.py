"""One-hot: a column of words becomes a column of zeros and ones for each word."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from contract.problems import gettext_noop
from recipes.context import Context
from recipes.steps.base import is_whole
from recipes.steps.table import TableStep
from recipes.table import NUMBER, Column, Table

MOST = 1000


@dataclass(frozen=True)
class OneHot(TableStep):
    """Words are those of the train split; one that is seen elsewhere only has a zero in every column."""

    name: ClassVar[str] = "one-hot"
    about: ClassVar[str] = gettext_noop("Turn each word of a column into a column of zeros and ones.")
    sentence: ClassVar[str] = gettext_noop(
        "Make a column of zeros and ones for each of the %(most)s most frequent words of the train split."
    )
    most: int = 100
    """columns that one column may become"""

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return "" if is_whole(value, 1, MOST) else gettext_noop("Expected a whole number from 1 to 1000.")

    def start(self) -> dict[str, Counter]:
        return {}

    def learn(self, learned: dict[str, Counter], table: Table) -> None:
        for column in table.columns:
            if column.is_words:
                words = column.values[~column.empty()].tolist()
                learned.setdefault(column.name, Counter()).update(words)

    def transform(self, table: Table, learned: dict[str, Counter], context: Context) -> Table:
        kept = {name: self._kept(counts) for name, counts in learned.items()}
        return table.with_columns(lambda column: _spread(column, kept) if column.is_words else [column])

    def _kept(self, counts: Counter) -> list[str]:
        """In the order of the alphabet, so that the columns do not hang on how often a word was seen."""
        return sorted(sorted(counts, key=lambda word: (-counts[word], word))[: self.most])


def _spread(column: Column, kept: dict[str, list[str]]) -> list[Column]:
    return [
        Column(f"{column.name}={word}", NUMBER, np.equal(column.values, word).astype(np.float64))
        for word in kept.get(column.name, [])
    ]
