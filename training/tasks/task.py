"""The interface of a task. Nothing outside a task knows what a target is."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
import torch

from recipes.prepared import Ragged


class Rows(Protocol):
    """A split: so many rows, in columns."""

    def __len__(self) -> int: ...

    def column(self, name: str) -> np.ndarray | Ragged: ...


class Task(ABC):
    """Targets are whatever `collate` returns; losses and tallies are sums, so that batches and ranks just add up."""

    step_keys: tuple[str, ...] = ()
    """names of what `step_sums` counts, shown as train/<name> after division by the weight"""

    @abstractmethod
    def __init__(self, manifest: dict[str, Any], training: dict[str, Any]): ...

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Width of the model's last layer."""

    @abstractmethod
    def check(self, name: str, split: Rows) -> None:
        """Raise BadData naming the first row of split `name` whose target is impossible."""

    @abstractmethod
    def collate(self, split: Rows, indices: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Inputs [n, …] as prepared, and targets, of the rows `indices` (int64 [n])."""

    @abstractmethod
    def loss(self, outputs: torch.Tensor, targets: Any) -> tuple[torch.Tensor, float]:
        """Loss summed over the batch, and its weight: mean loss = sum of losses / sum of weights."""

    @abstractmethod
    def step_sums(self, outputs: torch.Tensor, targets: Any) -> tuple[torch.Tensor, ...]:
        """One sum per key of `step_keys`."""

    @abstractmethod
    def tally(self, outputs: torch.Tensor, targets: Any) -> torch.Tensor:
        """A float64 vector from which `metrics` of any union of batches follows by adding."""

    @abstractmethod
    def metrics(self, tally: torch.Tensor) -> dict[str, float]:
        """Every metric of this task, from a sum of tallies."""

    @abstractmethod
    def predict(self, outputs: torch.Tensor) -> Any:
        """What a user would be told for each row."""
