"""Summaries of numbers."""

from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

BINS = 20


def span(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": median(values), "max": max(values)} if values else {}


def histogram(values: Sequence[float]) -> dict[str, list]:
    """{"edges": [k + 1 numbers], "counts": [k]} over the whole range; whole numbers get edges between them."""
    if not values:
        return {"edges": [], "counts": []}
    low, high = float(min(values)), float(max(values))
    around, bins = (low, high), BINS
    if low.is_integer() and high.is_integer() and high - low < BINS:
        around, bins = (low - 0.5, high + 0.5), int(high - low) + 1
    try:
        counts, edges = np.histogram(np.asarray(values, np.float64), bins=bins, range=around)
    except ValueError:  # no float lies between such large numbers
        counts, edges = np.array([len(values)]), np.array([low, high])
    return {"edges": [round(float(edge), 6) for edge in edges], "counts": [int(count) for count in counts]}


def summary(values: Sequence[float]) -> dict[str, Any]:
    return span(values) | {"histogram": histogram(values)}
