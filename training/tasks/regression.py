"""One number per row: squared error of the standardised value; RMSE, MAE and R² in the data's own units."""

import math
from typing import Any

import numpy as np
import torch

from training.failures import BadData
from training.tasks.task import Rows, Task


class Regression(Task):
    """Targets float32 [n] in the data's units; outputs [n, 1] standardised by `target_scale` of the manifest."""

    output_names = ("value",)

    def __init__(self, manifest: dict[str, Any], training: dict[str, Any]):
        super().__init__(manifest, training)
        scale = manifest.get("target_scale") or {"mean": 0.0, "std": 1.0}
        self._mean, self._deviation = float(scale["mean"]), float(scale["std"]) or 1.0

    @property
    def outputs(self) -> int:
        return 1

    def check(self, name: str, split: Rows) -> None:
        values = np.asarray(split.column(self._target))
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            sentence = f"row {int(wrong[0])} of {name} has no finite value to learn"
            raise BadData(sentence, split=name, row=int(wrong[0]))

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, float]:
        wanted = (targets - self._mean) / self._deviation
        return (outputs[:, 0] - wanted).square().sum(), float(len(targets))

    def tally(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Summed loss, rows, then sums of error², |error|, and of the standardised target and its square."""
        wanted = ((targets - self._mean) / self._deviation).double()
        error = outputs[:, 0].double() - wanted
        rows = torch.full_like(error, 1.0)
        return torch.stack([(error**2).sum(), rows.sum(), error.abs().sum(), wanted.sum(), (wanted**2).sum()])

    def tally_exported(self, exported: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.tally((exported - self._mean) / self._deviation, targets)

    def metrics(self, tally: torch.Tensor) -> dict[str, float]:
        squares, rows, distance, total, target_squares = tally.tolist()
        rows = max(rows, 1.0)
        spread = target_squares - total**2 / rows
        return {
            "rmse": math.sqrt(squares / rows) * self._deviation,
            "mae": distance / rows * self._deviation,
            "r2": 1 - squares / spread if spread > 0 else 0.0,
            "loss": squares / rows,
        }

    def preview(self, exported: torch.Tensor, classes: list[str]) -> dict[str, Any]:
        return {"value": float(exported[0, 0])}

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        """Of what `exported` gives."""
        return outputs[:, 0]

    def exported(self, outputs: torch.Tensor) -> torch.Tensor:
        """In the data's own units."""
        return outputs * self._deviation + self._mean

    def agreement(self, ours: torch.Tensor, theirs: torch.Tensor) -> float:
        """Rows whose values differ by less than a thousandth of the values' spread."""
        return float(((ours - theirs).abs() < 1e-3 * self._deviation).double().mean())
