"""One class a row: accuracy, top-k, precision, recall, F1, ROC-AUC, calibration."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch

from training.quality.bootstrap import ratio
from training.quality.calibration import Calibration
from training.quality.exam import joined, worst_first
from training.quality.of_classes import ExamOfClasses, Metrics, mean_area
from training.quality.per_class import Classes
from training.quality.ranking import Ranking

TOP = (3, 5)
SHARES = ("precision", "recall", "f1")


class ClassificationExam(ExamOfClasses):
    """Answers are logits [n, classes]; targets int64 [n]."""

    @cached_property
    def true(self) -> np.ndarray:
        return joined(self._true)

    @cached_property
    def said(self) -> np.ndarray:
        return torch.from_numpy(self.logits).argmax(1).numpy()

    @cached_property
    def right(self) -> np.ndarray:
        return self.true == self.said

    @cached_property
    def probabilities(self) -> np.ndarray:
        return torch.from_numpy(self.logits).double().softmax(1).numpy()

    @cached_property
    def confidence(self) -> np.ndarray:
        return self.probabilities[np.arange(len(self.said)), self.said]

    @cached_property
    def loss(self) -> np.ndarray:
        surprise = torch.from_numpy(self.logits).double().log_softmax(1).numpy()
        return -surprise[np.arange(len(self.true)), self.true]

    @cached_property
    def rankings(self) -> list[Ranking | None]:
        """By class: whether its probability ranks its rows above the others; None where there is nothing to rank."""
        present = np.bincount(self.true, minlength=self.classes)
        kinds = (present > 0) & (present < len(self.true))
        return [
            Ranking(self.probabilities[:, label], self.true == label) if kinds[label] else None
            for label in range(self.classes)
        ]

    @property
    def classes(self) -> int:
        return self.logits.shape[1]

    def _answers(self) -> dict[str, np.ndarray]:
        return {"true": self.true, "answer": self.said, "confidence": self.confidence}

    def _metrics(self) -> Metrics:
        rows, right = np.ones(len(self.true)), self.right.astype(float)
        found: Metrics = {
            "accuracy": (partial(ratio, above=right, below=rows), 1),
            "loss": (partial(ratio, above=self.loss, below=rows), 1),
            "ece": (Calibration(self.confidence, self.right).error, 1),
            "roc_auc": (self._area, self.classes if self.classes > 2 else 1),
        }
        for name in SHARES:
            found[f"{name}_macro"] = (self._macro(name), 3)
        for most in (most for most in TOP if most < self.classes):
            found[f"top_{most}_accuracy"] = (partial(ratio, above=self._among(most), below=rows), 1)
        return found

    def _macro(self, name: str) -> Callable[[np.ndarray], float]:
        return lambda drawn: Classes.of(self.true, self.said, self.classes, drawn).macro(name)

    def _among(self, most: int) -> np.ndarray:
        """Whether the true class is among so many highest answers, as 0 or 1."""
        top = torch.from_numpy(self.logits).topk(most, 1).indices.numpy()
        return (top == self.true[:, None]).any(1).astype(float)

    def _area(self, drawn: np.ndarray) -> float:
        """Of the second class where there are two, else the mean over classes, each against all others."""
        ranked = [ranking for ranking in self.rankings[1:] if ranking] if self.classes == 2 else self.rankings
        return mean_area([ranking for ranking in ranked if ranking], drawn)

    def _details(self) -> dict[str, Any]:
        rows = np.ones(len(self.true))
        cells = np.bincount(self.true * self.classes + self.said, minlength=self.classes**2)
        table = Classes.of(self.true, self.said, self.classes).table()
        table["roc_auc"] = [ranking.area(rows) if ranking else None for ranking in self.rankings]
        return {
            "confusion": cells.reshape(self.classes, self.classes).tolist(),
            "per_class": table,
            "calibration": Calibration(self.confidence, self.right).bins(self.confidence, self.right),
            "worst": worst_first(self.loss),
        }
