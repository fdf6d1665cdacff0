"""The interface of a task. Nothing outside a task knows what a target is."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
import torch

from recipes.prepared import Ragged

Outputs = Any
"""what a model gives: one tensor, or a tuple of tensors"""


class Rows(Protocol):
    """A split: so many rows, in columns."""

    def __len__(self) -> int: ...

    def column(self, name: str) -> np.ndarray | Ragged: ...


class Task(ABC):
    """Targets are whatever `collate` returns (with `.to(device)`); losses and tallies are sums, so that batches and
    ranks just add up."""

    step_keys: tuple[str, ...] = ()
    """names of what `step_sums` counts, shown as train/<name> after division by the weight"""
    output_names: tuple[str, ...] = ("logits",)
    """of what `exported` gives, as the ONNX file calls them"""
    tallies_are_rows = False
    """whether tallies are lists of rows [m, k] that are put one after the other, instead of numbers that add up"""

    def __init__(self, manifest: dict[str, Any], training: dict[str, Any]):
        self._input = manifest["input"]["column"]
        self._target = manifest["target"]["column"]

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Width of the model's last layer."""

    @abstractmethod
    def check(self, name: str, split: Rows) -> None:
        """Raise BadData naming the first row of split `name` whose target is impossible."""

    def collate(self, split: Rows, indices: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Inputs [n, …] as prepared, and targets, of the rows `indices` (int64 [n])."""
        return rows_of(split, self._input, indices), rows_of(split, self._target, indices)

    @abstractmethod
    def loss(self, outputs: Outputs, targets: Any) -> tuple[torch.Tensor, float]:
        """Loss summed over the batch, and its weight: mean loss = sum of losses / sum of weights."""

    def step_sums(self, outputs: Outputs, targets: Any) -> tuple[torch.Tensor, ...]:
        """One sum per key of `step_keys`."""
        return ()

    @abstractmethod
    def tally(self, outputs: Outputs, targets: Any) -> torch.Tensor:
        """A float64 tensor from which `metrics` of any union of batches follows (see `tallies_are_rows`)."""

    @abstractmethod
    def metrics(self, tally: torch.Tensor) -> dict[str, float]:
        """Every metric of this task, and the loss, from joined tallies."""

    @abstractmethod
    def predict(self, outputs: Outputs) -> Any:
        """What a user would be told for each row."""

    def preview(self, exported: Outputs, classes: list[str]) -> dict[str, Any]:
        """What a person is shown of the answer to one input (what `exported` gives for a batch of one), as JSON."""
        raise NotImplementedError

    def output_shape(self, name: str, shape: list[int]) -> list[int | str]:
        """Of one row of the exported output `name`, for inputs of this shape; a text says what a free size counts."""
        return [self.outputs]

    def exported(self, outputs: Outputs) -> Outputs:
        """What the exported model gives, in the order of `output_names`."""
        return outputs

    def tally_exported(self, exported: Outputs, targets: Any) -> torch.Tensor:
        """As `tally`, from what the exported model gives; a loss that needs more than that is not a number."""
        return self.tally(exported, targets)

    def details(self, tally: torch.Tensor) -> dict[str, Any]:
        """What joined tallies tell beyond metrics, as JSON: where the task confuses what with what."""
        return {}

    def agreement(self, ours: Outputs, theirs: Outputs) -> float:
        """Share of rows for which two sets of exported outputs say the same."""
        return float((self.predict(ours) == self.predict(theirs)).double().mean())


def rows_of(split: Rows, column: str, indices: torch.Tensor) -> torch.Tensor:
    """Rows `indices` of a column of fixed shape, copied."""
    values = split.column(column)
    return torch.from_numpy(np.ascontiguousarray(np.asarray(values)[indices.numpy()]))
