"""What a task learns from each item: one column of prepared data per task, ragged where items differ in how much.

A new target: write its class, name it in `target_of`, copy the test of the classification target.
"""

from typing import Any, Protocol

import numpy as np

from contract.tasks import TASKS
from recipes.prepared import Column


class Target(Protocol):
    name: str
    column: Column
    multi: bool
    """whether an item may be of several classes"""

    def value(self, target: dict[str, Any]) -> Any:
        """The column's value of an item whose `target` in the version this is."""


class ClassLabel:
    """`{"label": number of the class}`: one class an item."""

    name = "label"
    column = Column("int64")
    multi = False

    def value(self, target: dict[str, Any]) -> int:
        return target["label"]


class ClassLabels:
    """`{"labels": [numbers]}`: any number of classes an item, as a row of zeros and ones."""

    name = "labels"
    multi = True

    def __init__(self, classes: int):
        self.column = Column("uint8", (classes,))

    def value(self, target: dict[str, Any]) -> np.ndarray:
        row = np.zeros(self.column.shape, np.uint8)
        row[target["labels"]] = 1
        return row


class Boxes:
    """`{"boxes": [[x1, y1, x2, y2, class], …]}` of the prepared picture, where the recipe has put them."""

    name = "boxes"
    column = Column("float32", (5,), ragged=True)
    multi = False

    def value(self, target: dict[str, Any]) -> np.ndarray:
        return np.asarray(target["boxes"], np.float32).reshape(-1, 5)


class Value:
    """`{"value": number}` in the units it came in."""

    name = "value"
    column = Column("float32")
    multi = False

    def value(self, target: dict[str, Any]) -> np.float32:
        return np.float32(target["value"])


def target_of(task: str, classes: list[str], keys: set[str]) -> Target:
    """What is learned in `task` from items whose targets have these `keys`."""
    if TASKS[task].target == "boxes":
        return Boxes()
    if TASKS[task].target == "value":
        return Value()
    return ClassLabels(len(classes)) if keys == {"labels"} else ClassLabel()
