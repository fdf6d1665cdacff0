"""Any number of labels a row: rows that are all right, precision, recall, F1 and ROC-AUC by label, calibration."""

import zlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from training.quality.bootstrap import ratio
from training.quality.calibration import Calibration
from training.quality.exam import Exam, Report, joined, worst_first
from training.quality.per_class import Classes
from training.quality.ranking import Ranking
from training.tasks.multi_label import YES


class MultiLabelExam(Exam):
    """Answers are logits [n, labels]; targets uint8 [n, labels]."""

    def __init__(self, *facts: Any):
        super().__init__(*facts)
        self._logits: list[torch.Tensor] = []
        self._true: list[torch.Tensor] = []

    def take(self, exported: torch.Tensor, targets: torch.Tensor) -> None:
        self._logits.append(exported.float())
        self._true.append(targets)

    def headline(self) -> dict[str, Any]:
        right = self.right.astype(float)
        rows = np.ones(len(right))
        return self.bootstrap(len(right)).interval(float(right.mean()), lambda drawn: ratio(drawn, right, rows))

    def report(self, still_here: Callable[[], None]) -> Report:
        metrics, intervals = {}, {}
        for name, (metric, width) in self._metrics().items():
            value = metric(np.ones(len(self.true)))
            if np.isfinite(value):
                metrics[name] = value
                intervals[name] = self.bootstrap(len(self.true)).interval(value, metric, width)
            still_here()
        answers = [zlib.crc32(row.tobytes()) & 0x7FFFFFFF for row in np.packbits(self.said, 1)]
        rows = {"answer": np.array(answers, np.int64), "loss": self.loss}
        rows |= {"score": self.right.astype(float), "weight": np.ones(len(self.true))}
        return Report(metrics, intervals, self._details(), rows)

    @cached_property
    def logits(self) -> np.ndarray:
        return joined(self._logits)

    @cached_property
    def true(self) -> np.ndarray:
        return joined(self._true) > 0

    @cached_property
    def said(self) -> np.ndarray:
        return self.logits > YES

    @cached_property
    def right(self) -> np.ndarray:
        return (self.said == self.true).all(1)

    @cached_property
    def loss(self) -> np.ndarray:
        wanted = torch.from_numpy(self.true).double()
        surprise = binary_cross_entropy_with_logits(torch.from_numpy(self.logits).double(), wanted, reduction="none")
        return surprise.mean(1).numpy()

    @cached_property
    def rankings(self) -> list[Ranking]:
        return [Ranking(self.logits[:, label], self.true[:, label]) for label in range(self.true.shape[1])]

    def _metrics(self) -> dict[str, tuple[Callable[[np.ndarray], float], int]]:
        rows, right, labels = np.ones(len(self.true)), self.right.astype(float), self.true.shape[1]
        found: dict[str, tuple[Callable[[np.ndarray], float], int]] = {
            "accuracy": (lambda drawn: ratio(drawn, right, rows), 1),
            "loss": (lambda drawn: ratio(drawn, self.loss, rows), 1),
            "roc_auc": (self._area, labels),
        }
        for name in ("precision", "recall", "f1"):
            found[f"{name}_macro"] = (self._macro(name), 3 * labels)
        return found

    def _macro(self, name: str) -> Callable[[np.ndarray], float]:
        return lambda drawn: self._classes(drawn).macro(name)

    def _classes(self, drawn: np.ndarray) -> Classes:
        parts = (self.said & self.true, self.said, self.true)
        return Classes(*(drawn @ part.astype(float) for part in parts))

    def _area(self, drawn: np.ndarray) -> float:
        areas = np.array([ranking.area(drawn) for ranking in self.rankings])
        finite = areas[np.isfinite(areas)]
        return float(finite.mean()) if len(finite) else float("nan")

    def _details(self) -> dict[str, Any]:
        rows = np.ones(len(self.true))
        table = self._classes(rows).table()
        areas = [ranking.area(rows) for ranking in self.rankings]
        table["roc_auc"] = [area if np.isfinite(area) else None for area in areas]
        said = torch.from_numpy(self.logits).double().sigmoid().numpy().ravel()
        confidence, right = np.maximum(said, 1 - said), (self.said == self.true).ravel()
        bins = Calibration(confidence, right).bins(confidence, right)
        return {"per_class": table, "calibration": bins, "worst": worst_first(self.loss)}
