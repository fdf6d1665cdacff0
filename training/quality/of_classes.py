"""What the exams of one class a row and of any number of labels share: logits come in, and rows are right or not."""

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch

from training.quality.bootstrap import ratio
from training.quality.exam import Exam, Report, joined
from training.quality.ranking import Ranking

Metrics = dict[str, tuple[Callable[[np.ndarray], float], int]]
"""each metric of the rows as often as they were drawn, and how many numbers a row it touches"""


class ExamOfClasses(Exam):
    """Answers are logits [n, classes]."""

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
        shared = {"loss": self.loss, "score": self.right.astype(float), "weight": np.ones(len(self.true))}
        return Report(metrics, intervals, self._details(), self._answers() | shared)

    @cached_property
    def logits(self) -> np.ndarray:
        return joined(self._logits)

    @property
    @abstractmethod
    def true(self) -> np.ndarray: ...

    @property
    @abstractmethod
    def right(self) -> np.ndarray:
        """Which rows are, bool [n]."""

    @property
    @abstractmethod
    def loss(self) -> np.ndarray:
        """How wrong each row is, [n]."""

    @abstractmethod
    def _metrics(self) -> Metrics: ...

    @abstractmethod
    def _answers(self) -> dict[str, np.ndarray]:
        """Columns of the rows beside loss, score and weight."""

    @abstractmethod
    def _details(self) -> dict[str, Any]: ...


def mean_area(rankings: list[Ranking], drawn: np.ndarray) -> float:
    """The mean ROC-AUC of those rankings that have one."""
    areas = np.array([ranking.area(drawn) for ranking in rankings])
    finite = areas[np.isfinite(areas)]
    return float(finite.mean()) if len(finite) else float("nan")
