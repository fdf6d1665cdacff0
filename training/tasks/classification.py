"""One class per row (a picture, a text, a row of a table): cross-entropy, accuracy, macro F1."""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from training.failures import BadData
from training.tasks.task import Rows, Task

SHOWN = 5
"""classes of a preview"""


class Classification(Task):
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
        wrong = np.flatnonzero((labels < 0) | (labels >= self._classes))
        if len(wrong):
            row, value = int(wrong[0]), int(labels[wrong[0]])
            sentence = f"row {row} of {name} has label {value}; labels go from 0 to {self._classes - 1}"
            raise BadData(sentence, split=name, row=row, value=value)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, float]:
        return cross_entropy(outputs, targets, reduction="sum", label_smoothing=self._smoothing), float(len(targets))

    def step_sums(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return ((outputs.argmax(1) == targets).sum(),)

    def tally(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Summed loss, number of rows, and the confusion matrix [target, predicted] row by row."""
        loss = cross_entropy(outputs, targets, reduction="sum").double()
        cells = targets * self._classes + outputs.argmax(1)
        confusion = torch.bincount(cells, minlength=self._classes**2).double()
        return torch.cat((loss[None], torch.tensor([float(len(targets))], dtype=torch.float64), confusion))

    def metrics(self, tally: torch.Tensor) -> dict[str, float]:
        loss, rows = tally[:2].tolist()
        confusion = tally[2:].reshape(self._classes, self._classes)
        right = confusion.diagonal()
        occurring = confusion.sum(0) + confusion.sum(1)
        f1 = (2 * right / occurring.clamp(min=1))[occurring > 0]  # a class neither present nor predicted has no F1
        return {
            "accuracy": float(right.sum()) / max(rows, 1.0),
            "f1_macro": float(f1.mean()) if len(f1) else 0.0,
            "loss": loss / max(rows, 1.0),
        }

    def details(self, tally: torch.Tensor) -> dict[str, Any]:
        """confusion: counts, [true class][answered class]"""
        return {"confusion": tally[2:].reshape(self._classes, self._classes).long().tolist()}

    def preview(self, exported: torch.Tensor, classes: list[str]) -> dict[str, Any]:
        """classes: the likeliest ones, each name and probability"""
        return {"classes": likeliest(exported[0].float().softmax(0), classes)}

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.argmax(1)


def likeliest(probabilities: torch.Tensor, classes: list[str]) -> list[dict[str, Any]]:
    """The SHOWN classes with the highest probability (float [classes]), highest first."""
    values, places = probabilities.topk(min(SHOWN, len(classes)))
    return [
        {"name": classes[place], "probability": round(value, 6)}
        for value, place in zip(values.tolist(), places.tolist(), strict=True)
    ]
