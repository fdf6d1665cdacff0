"""How sure a number is: the percentile bootstrap (Efron, 1979) over rows, 95 of 100 resamples lie inside."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

LEVEL = 0.95
RESAMPLES = 1000
FEWEST = 100
"""resamples below which no interval is told"""
MOST_NUMBERS = 3e8
"""that all resamples of one metric touch together: some seconds on one core"""


class Bootstrap:
    """Draws rows of `n` with replacement, the same draws for every metric that is asked."""

    def __init__(self, n: int, seed: int):
        self.n, self.seed = n, seed

    def interval(self, value: float, metric: Callable[[np.ndarray], float], width: int = 1) -> dict[str, Any]:
        """`value` with low and high, from `metric(weights)`: weights float64 [n] say how often each row was drawn.

        `width`: numbers that the metric touches for each row.
        """
        resamples = int(min(RESAMPLES, MOST_NUMBERS / max(self.n * width, 1)))
        if resamples < FEWEST:
            return {"value": value, "low": None, "high": None, "n": self.n, "resamples": 0}
        generator = np.random.default_rng(self.seed)
        found = np.array([metric(self._drawn(generator)) for _ in range(resamples)])
        return {"value": value, **bounds(found), "n": self.n, "resamples": resamples}

    def _drawn(self, generator: np.random.Generator) -> np.ndarray:
        return np.bincount(generator.integers(0, self.n, self.n), minlength=self.n).astype(np.float64)


def bounds(found: np.ndarray) -> dict[str, float | None]:
    """low and high of resampled values; None when too few of them are numbers."""
    finite = found[np.isfinite(found)]
    if len(finite) < max(2, len(found) / 2):
        return {"low": None, "high": None}
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"low": float(low), "high": float(high)}


def ratio(weights: np.ndarray, above: np.ndarray, below: np.ndarray) -> float:
    """Sum of `above` over sum of `below`, each row as often as it was drawn."""
    total = float(weights @ below)
    return float(weights @ above) / total if total else math.nan
