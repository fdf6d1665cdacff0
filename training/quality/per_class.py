"""Precision, recall and F1 by class, from how often each class is true, said, and both."""

from typing import Any

import numpy as np


class Classes:
    """`both`, `said`, `there`: float [classes], counts of rows."""

    def __init__(self, both: np.ndarray, said: np.ndarray, there: np.ndarray):
        self.both, self.said, self.there = both, said, there

    @classmethod
    def of(cls, true: np.ndarray, said: np.ndarray, classes: int, weights: np.ndarray | None = None) -> "Classes":
        """From the class of each row, int [n]."""
        drawn = np.ones(len(true)) if weights is None else weights
        right = true == said
        counts = (np.bincount(true[right], drawn[right], classes), np.bincount(said, drawn, classes))
        return cls(*counts, np.bincount(true, drawn, classes))

    @property
    def occurring(self) -> np.ndarray:
        """A class neither present nor answered has no precision, recall or F1."""
        return self.said + self.there > 0

    @property
    def precision(self) -> np.ndarray:
        return self.both / np.maximum(self.said, 1)

    @property
    def recall(self) -> np.ndarray:
        return self.both / np.maximum(self.there, 1)

    @property
    def f1(self) -> np.ndarray:
        return 2 * self.both / np.maximum(self.said + self.there, 1)

    def macro(self, name: str) -> float:
        """Mean of `precision`, `recall` or `f1` over the classes that occur."""
        values = getattr(self, name)[self.occurring]
        return float(values.mean()) if len(values) else 0.0

    def table(self) -> dict[str, list[Any]]:
        """Columns by class; None where a class does not occur."""
        shares = {
            name: [
                float(value) if here else None for value, here in zip(getattr(self, name), self.occurring, strict=True)
            ]
            for name in ("precision", "recall", "f1")
        }
        return {"support": self.there.astype(int).tolist(), "said": self.said.astype(int).tolist(), **shares}
