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
from training.quality.exam import joined, worst_first
from training.quality.of_classes import ExamOfClasses, Metrics, mean_area
from training.quality.per_class import Classes
from training.quality.ranking import Ranking
from training.tasks.multi_label import YES


class MultiLabelExam(ExamOfClasses):
    """Answers are logits [n, labels]; targets uint8 [n, labels]."""

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

    def _answers(self) -> dict[str, np.ndarray]:
        answers = [zlib.crc32(row.tobytes()) & 0x7FFFFFFF for row in np.packbits(self.said, 1)]
        return {"answer": np.array(answers, np.int64)}

    def _metrics(self) -> Metrics:
        rows, right, labels = np.ones(len(self.true)), self.right.astype(float), self.true.shape[1]
        found: Metrics = {
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
        return mean_area(self.rankings, drawn)

    def _details(self) -> dict[str, Any]:
        rows = np.ones(len(self.true))
        table = self._classes(rows).table()
        areas = [ranking.area(rows) for ranking in self.rankings]
        table["roc_auc"] = [area if np.isfinite(area) else None for area in areas]
        said = torch.from_numpy(self.logits).double().sigmoid().numpy().ravel()
        confidence, right = np.maximum(said, 1 - said), (self.said == self.true).ravel()
        bins = Calibration(confidence, right).bins(confidence, right)
        return {"per_class": table, "calibration": bins, "worst": worst_first(self.loss)}
