"""One number a row, in the data's own units: RMSE, MAE, R²."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch

from training.quality.bootstrap import ratio
from training.quality.exam import Exam, Report, joined, worst_first

SHOWN = 500
"""rows of which true and answered value are told for a picture"""


class RegressionExam(Exam):
    """Answers and targets in the data's units: float32 [n, 1] and [n]."""

    def __init__(self, *facts: Any):
        super().__init__(*facts)
        self._said: list[torch.Tensor] = []
        self._true: list[torch.Tensor] = []

    def take(self, exported: torch.Tensor, targets: torch.Tensor) -> None:
        self._said.append(exported[:, 0].double())
        self._true.append(targets.double())

    def headline(self) -> dict[str, Any]:
        return self.bootstrap(len(self.true)).interval(self._rmse(np.ones(len(self.true))), self._rmse)

    def report(self, still_here: Callable[[], None]) -> Report:
        metrics, intervals, rows = {}, {}, np.ones(len(self.true))
        deviation = float((self.manifest.get("target_scale") or {"std": 1.0})["std"]) or 1.0
        for name, metric in {
            "rmse": self._rmse,
            "mae": lambda drawn: ratio(drawn, np.abs(self.error), rows),
            "r2": self._r2,
            "loss": lambda drawn: ratio(drawn, self.squares, rows) / deviation**2,
        }.items():
            metrics[name] = metric(rows)
            intervals[name] = self.bootstrap(len(self.true)).interval(metrics[name], metric)
            still_here()
        columns = {"true": self.true, "answer": self.said, "loss": self.squares, "score": self.squares, "weight": rows}
        return Report(metrics, intervals, self._details(), columns)

    @cached_property
    def said(self) -> np.ndarray:
        return joined(self._said)

    @cached_property
    def true(self) -> np.ndarray:
        return joined(self._true)

    @cached_property
    def error(self) -> np.ndarray:
        return self.said - self.true

    @cached_property
    def squares(self) -> np.ndarray:
        return self.error**2

    def _rmse(self, drawn: np.ndarray) -> float:
        return math.sqrt(ratio(drawn, self.squares, np.ones(len(drawn))))

    def _r2(self, drawn: np.ndarray) -> float:
        """0 where the true values do not differ."""
        mean = ratio(drawn, self.true, np.ones(len(drawn)))
        spread = float(drawn @ (self.true - mean) ** 2)
        return 1 - float(drawn @ self.squares) / spread if spread > 0 else 0.0

    def _details(self) -> dict[str, Any]:
        shown = np.linspace(0, len(self.true) - 1, min(SHOWN, len(self.true))).astype(int)
        pairs = {"row": shown.tolist(), "true": self.true[shown].tolist(), "said": self.said[shown].tolist()}
        return {"values": pairs, "worst": worst_first(self.squares)}
