"""The area under the ROC curve: how often something that is there scores above something that is not (ties: half)."""

import math

import numpy as np


class Ranking:
    """Scores float [n] and whether each row is there, bool [n], sorted once for any number of weightings."""

    def __init__(self, scores: np.ndarray, there: np.ndarray):
        _values, self._place = np.unique(scores, return_inverse=True)
        self._there = there.astype(np.float64)

    def area(self, weights: np.ndarray | None = None) -> float:
        """Not a number where one of the two kinds is missing."""
        drawn = np.ones_like(self._there) if weights is None else weights
        positive = np.bincount(self._place, drawn * self._there)
        negative = np.bincount(self._place, drawn * (1 - self._there))
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative / 2
        return float(positive @ below / pairs) if pairs else math.nan
