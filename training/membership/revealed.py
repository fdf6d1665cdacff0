"""What scores of members and non-members reveal: how often a higher score means a member."""

import math
from typing import Any

import numpy as np

from training.shares import share

FEWEST_ALLOWED = 5
"""non-members that a false positive rate has to allow, so that it means anything"""
RATES = (0.01, 0.001)
FEWEST = 20
"""samples on each side below which nothing is said"""
Z95 = 1.96


def auc(members: np.ndarray, others: np.ndarray) -> dict[str, Any]:
    """Probability that a member scores higher than a non-member (ties count half): value, low, high, n.

    Interval after Hanley & McNeil (1982); n is that of the smaller side.
    """
    ordered = np.sort(others)
    below = np.searchsorted(ordered, members, "left") + np.searchsorted(ordered, members, "right")
    area = float(below.mean() / 2 / len(others))
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (len(members) - 1) * (first - area**2) + (len(others) - 1) * (second - area**2)
    error = math.sqrt(max(spread, 0.0) / (len(members) * len(others)))
    bounds = {"low": max(0.0, area - Z95 * error), "high": min(1.0, area + Z95 * error)}
    return {"value": area, **bounds, "n": min(len(members), len(others))}


def found_at(rate: float, members: np.ndarray, others: np.ndarray) -> dict[str, Any]:
    """Share of members above a score that at most `rate` of the non-members exceed, or `not_measured`."""
    allowed = int(rate * len(others) + 1e-9)
    if allowed < FEWEST_ALLOWED:
        needed = math.ceil(FEWEST_ALLOWED / rate)
        return {"not_measured": f"too few samples: {len(others)} non-members, {needed} are needed"}
    threshold = np.sort(others)[::-1][allowed]  # so many non-members at most lie above it
    return share(int((members > threshold).sum()), len(members))
