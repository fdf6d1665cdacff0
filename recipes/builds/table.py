"""Tables: every row becomes a row of numbers. Statistics are those of the train split alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from contract.problems import gettext_noop
from recipes.builds.batch import Batch
from recipes.builds.maker import At, Maker, Source, split_number
from recipes.context import Context
from recipes.prepared import Column
from recipes.sandbox.inside import Refused, Reporter
from recipes.steps import TableStep
from recipes.steps.standardise import Moments
from recipes.table import Table, table_of
from recipes.targets import Target

ROWS_A_PIECE = 2048
TRAIN = 0


class TableMaker(Maker):
    """Column `features` float32 [F], and the target's."""

    input_column = "features"
    items_a_piece = ROWS_A_PIECE

    def __init__(self, source: Source):
        super().__init__(source)
        self._learned = [(place, step, step.start()) for place, step in source.recipe.of(TableStep)]
        self._scale = Moments()
        self.names: list[str] = []
        self._counts: dict[str, int] = {}

    def look(self, reporter: Reporter, most: int | None = None) -> None:
        """One pass over the train split for each step that has something to learn, and the names that come out."""
        for position, (place, step, learned) in enumerate(self._learned):
            if learned is not None:
                self._show(step, learned, position, most)
            if learned is not None and most is None:
                self._counts |= {f"{place}.{name}": count for name, count in step.report(learned).items()}
        self.names = self._changed(table_of(self._facts, []), len(self._learned), _nothing()).names
        if not self.names:
            raise Refused(gettext_noop("No column is left to learn from."))
        self.be_used_for(self.source, self.target)

    def be_used_for(self, source: Source, target: Target) -> None:
        """Make rows of this source, with what was learned, whichever source that was."""
        self.source, self.target = source, target
        self.columns = {"features": Column("float32", (len(self.names),)), target.name: target.column}

    def _show(self, step: TableStep, learned: Any, position: int, most: int | None) -> None:
        """Let a step see what the `position` steps before it leave of the rows that it may learn from."""
        splits = self.source.index.splits
        seen = (np.arange(len(splits)) if step.looks_at_all else np.flatnonzero(splits == TRAIN))[:most]
        for first in range(0, len(seen), ROWS_A_PIECE):
            numbers = seen[first : first + ROWS_A_PIECE].tolist()
            step.learn(learned, self._changed(self._rows(numbers), position, _nothing()))

    def make(self, numbers: Sequence[int], at: At) -> Batch:
        items = [self.source.index.item(number) for number in numbers]
        batch = Batch(np.array([split_number(item) for item in items], np.uint8), {}, items=len(items))
        table = table_of(self._facts, [item.data["values"] for item in items], numbers)
        table = self._changed(table, len(self._learned), batch)
        targets = [
            self.target.value(self.target_row(item, number, batch)) for item, number in zip(items, numbers, strict=True)
        ]
        features = np.stack([column.values for column in table.columns], axis=1)
        batch.columns = {
            "features": features.astype(np.float32),
            self.target.name: np.array(targets, self.target.column.dtype).reshape(-1, *self.target.column.shape),
        }
        return batch

    def settle(self, batch: Batch) -> Batch:
        if self.target.name == "value":
            values = batch.columns["value"]
            assert isinstance(values, np.ndarray)  # noqa: S101 - a target of numbers is not ragged
            self._scale.add(values[batch.splits == TRAIN].astype(np.float64).tolist())
        return batch

    def report(self) -> dict[str, int]:
        return self._counts

    def manifest(self) -> dict[str, Any]:
        more: dict[str, Any] = {"features": self.names}
        if self.target.name == "value":
            more["target_scale"] = {"mean": self._scale.mean, "std": self._scale.deviation}
        return more

    @property
    def _facts(self) -> list[dict[str, Any]]:
        return self.source.head["columns"]

    def _rows(self, numbers: list[int]) -> Table:
        return table_of(self._facts, [self.source.index.item(number).data["values"] for number in numbers], numbers)

    def _changed(self, table: Table, steps: int, batch: Batch) -> Table:
        """`table` after the first `steps` steps."""
        for place, step, learned in self._learned[:steps]:
            table = step.transform(table, learned, Context(step=place, key=self.source.key, counts=batch.counts))
        return table


def _nothing() -> Batch:
    """For counts that nobody reads."""
    return Batch(np.empty(0, np.uint8), {})
