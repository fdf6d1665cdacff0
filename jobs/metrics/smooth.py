"""Smoothing: a debiased exponential moving average over the full series, before anything is reduced.

With weight w (0 to 0.99): a ← w·a + (1 − w)·x, n ← n + 1, shown a / (1 − wⁿ), beginning with a = 0, n = 0 (the bias
correction of Kingma & Ba, Adam, 2015, §3). Points that are not finite are passed over.
"""

from dataclasses import dataclass

import numpy as np

from jobs.metrics.points import FLOAT, Points

BLOCK = 1024


@dataclass(frozen=True)
class State:
    """What it takes to go on: `average` is a (not debiased), `count` is n."""

    average: float
    count: int
    weight: float


def smoothed(points: Points, weight: float) -> tuple[Points, State]:
    """The finite points with smoothed values, and the state after the last of them."""
    usable = points.take(np.isfinite(points.values))
    averages = moving_average(usable.values, weight)
    count = len(usable)
    debiased = averages / -np.expm1(np.arange(1, count + 1) * np.log(weight)) if weight else averages
    state = State(float(averages[-1]) if count else 0.0, count, weight)
    return Points(usable.steps, usable.times, debiased), state


def moving_average(values: np.ndarray, weight: float) -> np.ndarray:
    """a₁ … aₙ, from a₀ = 0. Works on all blocks of BLOCK values side by side, then carries on from block to block."""
    if weight == 0:
        return values.astype(FLOAT)
    count = -(-len(values) // BLOCK)
    padded = np.zeros(count * BLOCK, FLOAT)
    padded[: len(values)] = values
    columns = np.ascontiguousarray(padded.reshape(count, BLOCK).T)
    columns *= 1 - weight
    for index in range(1, BLOCK):
        columns[index] += weight * columns[index - 1]
    fade = weight ** np.arange(1, BLOCK + 1)
    carried = np.zeros(count, FLOAT)
    for block in range(1, count):
        carried[block] = columns[-1, block - 1] + fade[-1] * carried[block - 1]
    columns += np.outer(fade, carried)
    return columns.T.reshape(-1)[: len(values)]
