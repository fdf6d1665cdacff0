"""The interface of an exam: answers of a file come in batch by batch, quality comes out."""

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from training.quality.bootstrap import Bootstrap
from training.tasks import Task

MOST_ROWS = 50_000
"""of which answers are told one by one"""
WORST = 48


@dataclass
class Report:
    """What an exam found: numbers, each with its interval; what they are made of; and every row's own answer."""

    metrics: dict[str, float]
    intervals: dict[str, dict[str, Any]]
    details: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, np.ndarray] = field(default_factory=dict)
    """columns [n]: answer (int32 or float32; equal where the prediction is), loss, and score and weight, of which the
    leading metric is sum over sum (its root for RMSE); true and confidence where there are such"""
    more_rows: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        details = self.details | {"intervals": self.intervals}
        found: dict[str, Any] = {"metrics": self.metrics, "details": details}
        if self.rows and len(next(iter(self.rows.values()))) <= MOST_ROWS:
            found["rows"] = {name: packed(column) for name, column in self.rows.items()} | self.more_rows
        return found


class Exam(ABC):
    """One task's exam. `seed` draws the resamples."""

    def __init__(self, task: Task, manifest: dict[str, Any], seed: int):
        self.task, self.manifest, self.seed = task, manifest, seed

    @abstractmethod
    def take(self, exported: Any, targets: Any) -> None:
        """The answers to one batch, as the exported model gives them, on the CPU."""

    @abstractmethod
    def headline(self) -> dict[str, Any]:
        """The leading metric alone: value, low, high, n."""

    @abstractmethod
    def report(self, still_here: Callable[[], None]) -> Report:
        """Everything, with intervals. `still_here()` is called between metrics."""

    def bootstrap(self, n: int) -> Bootstrap:
        return Bootstrap(n, self.seed)


def packed(column: np.ndarray) -> dict[str, str]:
    """A column as JSON: little-endian bytes in base64, and what they are."""
    kind = "int32" if np.issubdtype(column.dtype, np.integer) else "float32"
    stored = np.ascontiguousarray(column, np.dtype(kind).newbyteorder("<"))
    return {"dtype": kind, "base64": base64.b64encode(stored.tobytes()).decode()}


def joined(parts: list[torch.Tensor]) -> np.ndarray:
    """Batches one after the other."""
    return torch.cat(parts).numpy()


def worst_first(loss: np.ndarray) -> list[int]:
    """Numbers of the rows with the highest loss."""
    return np.argsort(-np.nan_to_num(loss, nan=-np.inf), kind="stable")[:WORST].tolist()
