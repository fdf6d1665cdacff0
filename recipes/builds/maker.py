"""What every kind of data shows to the build: columns, pieces made side by side, and an order in which they settle."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recipes.builds.batch import Batch
from recipes.context import Context
from recipes.index import Index
from recipes.prepared import Column
from recipes.recipe import Recipe
from recipes.sandbox.inside import Reporter
from recipes.targets import Target, target_of
from recipes.version import SPLITS, Item

At = Callable[[int, str], None]
"""is told number and file of an item before it is opened"""


@dataclass(frozen=True)
class Source:
    """A version and what is to be made of it."""

    directory: Path
    head: dict[str, Any]
    recipe: Recipe
    index: Index
    key: bytes = b""
    """the project's secret, for steps that need one"""
    skip: dict[str, str] = field(default_factory=dict)
    """reasons by file: what killed an earlier try"""
    tokenizers: dict[str, str] = field(default_factory=dict)
    """directories by model"""

    @property
    def task(self) -> str:
        return self.head["task"]

    @property
    def classes(self) -> list[str]:
        """Names of classes, by number."""
        return self.head["classes"]

    def context(self, number: int, batch: Batch) -> Context:
        return Context(number, 0, self.classes, self.key, batch.counts)


class Maker(ABC):
    """Makes the rows of one kind of data. `make` may run in another process: it changes nothing but its answer."""

    columns: dict[str, Column]
    input_column: str
    items_a_piece: int = 64

    def __init__(self, source: Source):
        self.source = source
        self.target: Target = target_of(source.task, source.classes, source.index.target_keys)

    @property
    def target_column(self) -> str:
        return self.target.name

    def look(self, reporter: Reporter, most: int | None = None) -> None:
        """Learn what steps need from the train split, before anything is made. Raises Refused.

        `most`: look at so many items only, and refuse nothing.
        """
        return

    @abstractmethod
    def make(self, numbers: Sequence[int], at: At) -> Batch:
        """Rows of the items with these numbers."""

    def settle(self, batch: Batch) -> Batch:
        """Called with every batch, in order, in one process: what hangs on all rows before."""
        return batch

    def rest(self) -> Batch | None:
        """What is left when every batch has settled."""
        return None

    def report(self) -> dict[str, int]:
        """Counts of what was looked at before, under names like those of `Context.count`."""
        return {}

    def manifest(self) -> dict[str, Any]:
        """What this kind of data adds to the manifest."""
        return {}

    def target_row(self, item: Item, number: int, batch: Batch) -> dict[str, Any]:
        """The item's target after every step that changes it."""
        context = self.source.context(number, batch)
        return self.source.recipe.target(item.target, item.split, len(self.source.classes), context)


def split_number(item: Item) -> int:
    return SPLITS.index(item.split)
