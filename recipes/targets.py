"""What a task learns from each item: one column of prepared data per task, ragged where items differ in how much.

A new task: write its class, list it in TARGETS, copy the test of the classification target.
"""

from typing import Any, Protocol

import numpy as np

from recipes.prepared import Column


class Target(Protocol):
    name: str
    column: Column

    def value(self, target: dict[str, Any]) -> np.ndarray | int:
        """The column's value of an item whose `target` in the version this is."""


class ClassLabel:
    """`{"label": number of the class}`: one class an item."""

    name = "label"
    column = Column("int64")

    def value(self, target: dict[str, Any]) -> int:
        return target["label"]


TARGETS: dict[str, Target] = {"image-classification": ClassLabel()}
