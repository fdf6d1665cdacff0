"""Whether a model is right as often as it says (Guo et al., 2017, arXiv 1706.04599)."""

from typing import Any

import numpy as np

BINS = 15


class Calibration:
    """Confidence float [n] in 0..1 of the answer that was given, and whether it was right, bool [n]."""

    def __init__(self, confidence: np.ndarray, right: np.ndarray):
        self._bin = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
        self._gap = confidence - right

    def error(self, weights: np.ndarray | None = None) -> float:
        """ECE: distance of confidence and share that is right, over bins of equal width, weighed by rows."""
        drawn = np.ones(len(self._gap)) if weights is None else weights
        return float(np.abs(np.bincount(self._bin, drawn * self._gap, BINS)).sum() / max(drawn.sum(), 1.0))

    def bins(self, confidence: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
        """The reliability diagram: low, high, count, and means of confidence and right (None in an empty bin)."""
        counts = np.bincount(self._bin, minlength=BINS)
        sums = [np.bincount(self._bin, values, BINS) for values in (confidence, right.astype(float))]
        return [
            {
                "low": place / BINS,
                "high": (place + 1) / BINS,
                "count": int(count),
                "confidence": float(sums[0][place] / count) if count else None,
                "accuracy": float(sums[1][place] / count) if count else None,
            }
            for place, count in enumerate(counts)
        ]
