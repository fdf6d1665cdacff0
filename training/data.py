"""Prepared data as the trainer reads it: columns stay mapped from the first look to the end."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recipes.prepared import Prepared, Ragged, Split
from training.tasks import Task


class MappedSplit:
    """A split whose columns are mapped once; `column` gives what `recipes.prepared.Split.column` gives."""

    def __init__(self, split: Split):
        self._split = split
        self._columns: dict[str, np.ndarray | Ragged] = {}

    def __len__(self) -> int:
        return len(self._split)

    def column(self, name: str) -> np.ndarray | Ragged:
        if name not in self._columns:
            column = self._split.column(name)
            self._columns[name] = column if isinstance(column, Ragged) else column.view(np.ndarray)
        return self._columns[name]


@dataclass(frozen=True)
class Data:
    """Prepared data, proved, with the task that reads it."""

    manifest: dict[str, Any]
    splits: dict[str, MappedSplit]
    task: Task
    hash: str

    @classmethod
    def of(cls, prepared: Prepared, task: Task) -> "Data":
        splits = {name: MappedSplit(prepared.split(name)) for name in prepared.splits}
        return cls(prepared.manifest, splits, task, prepared.hash)

    @property
    def shape(self) -> list[int]:
        """Of one input: [C, H, W] for images."""
        return list(self.manifest["input"]["shape"])
