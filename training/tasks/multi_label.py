"""Any number of labels per picture: one yes or no each. Accuracy counts pictures of which every label is right."""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from training.failures import BadData
from training.tasks.classification import likeliest
from training.tasks.task import Rows, Task

YES = 0.0
"""a logit above says that the label is there: a probability above one half"""


class MultiLabel(Task):
    """Targets uint8 [n, classes]. The loss of a picture is the mean over its labels."""

    step_keys = ("accuracy",)

    def __init__(self, manifest: dict[str, Any], training: dict[str, Any]):
        super().__init__(manifest, training)
        self._classes = len(manifest["classes"])
        self._smoothing = training.get("label_smoothing_factor", 0.0)

    @property
    def outputs(self) -> int:
        return self._classes

    def check(self, name: str, split: Rows) -> None:
        labels = np.asarray(split.column(self._target))
        wrong = np.argwhere(labels > 1)
        if len(wrong):
            row, value = int(wrong[0][0]), int(labels[tuple(wrong[0])])
            sentence = f"row {row} of {name} has {value} for a label; 1 says that it is there, 0 that it is not"
            raise BadData(sentence, split=name, row=row, value=value)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, float]:
        wanted = targets.float() * (1 - self._smoothing) + self._smoothing / 2
        return self._loss(outputs, wanted), float(len(targets))

    def step_sums(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self._all_right(outputs, targets),)

    def tally(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Summed loss, number of rows, rows that are right; then per label: rightly said, said, there."""
        said, there = outputs > YES, targets > 0
        head = (self._loss(outputs, targets.float()), len(targets), self._all_right(outputs, targets))
        counts = [(said & there).sum(0), said.sum(0), there.sum(0)]
        return torch.cat(
            [torch.tensor([float(value) for value in head], dtype=torch.float64), *(c.cpu() for c in counts)]
        )

    def metrics(self, tally: torch.Tensor) -> dict[str, float]:
        loss, rows, right = tally[:3].tolist()
        both, said, there = tally[3:].reshape(3, self._classes)
        occurring = said + there
        f1 = (2 * both / occurring.clamp(min=1))[occurring > 0]
        return {
            "accuracy": right / max(rows, 1.0),
            "f1_macro": float(f1.mean()) if len(f1) else 0.0,
            "loss": loss / max(rows, 1.0),
        }

    def preview(self, exported: torch.Tensor, classes: list[str]) -> dict[str, Any]:
        """classes: the likeliest ones, each name and probability; those above one half are said to be there"""
        return {"classes": likeliest(exported[0].float().sigmoid(), classes), "several": True}

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs > YES

    @staticmethod
    def _loss(outputs: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return binary_cross_entropy_with_logits(outputs, wanted, reduction="sum") / outputs.shape[1]

    @staticmethod
    def _all_right(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return ((outputs > YES) == (targets > 0)).all(1).sum()
