"""Parallel coordinates: an axis for each setting that varies and one for the metric, a line for each trial.

The better a trial did, the stronger the tone of its line.
"""

import math
from collections.abc import Callable
from typing import Any

from config import formats

WIDTH, HEIGHT, SIDE, TOP = 720, 240, 70, 28
FEWEST = 3
"""trials that ended well, below which lines show nothing"""
TONES = 4


def of(trials: list[dict[str, Any]], space: dict[str, Any], metric: str, goal: str) -> dict[str, Any] | None:
    """Axes and lines in the units of an SVG of WIDTH x HEIGHT; None while there is too little to show."""
    done = [trial for trial in trials if trial["state"] == "complete" and trial["value"] is not None]
    if len(done) < FEWEST:
        return None
    columns = {path: [trial["params"].get(path) for trial in done] for path in space}
    values = [trial["value"] for trial in done]
    axes = [_axis(path.rpartition(".")[2], column, space[path].get("log", False)) for path, column in columns.items()]
    axes.append(_axis(metric, values, False, formats.metric))
    for number, axis in enumerate(axes):
        axis["x"] = SIDE + number * (WIDTH - 2 * SIDE) / (len(axes) - 1)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "top": TOP,
        "bottom": HEIGHT - TOP,
        "axes": axes,
        "lines": _lines(done, axes, goal),
    }


def _lines(done: list[dict[str, Any]], axes: list[dict[str, Any]], goal: str) -> list[dict[str, Any]]:
    """Poor trials first, so that good ones lie on top."""
    ranked = sorted(range(len(done)), key=lambda place: done[place]["value"], reverse=goal == "minimize")
    return [
        {
            "number": done[place]["number"],
            "tone": rank * TONES // len(ranked),
            "points": " ".join(f"{axis['x']:.1f},{axis['heights'][place]:.1f}" for axis in axes),
        }
        for rank, place in enumerate(ranked)
    ]


def _axis(label: str, column: list[Any], log: bool, said: Callable[..., str] | None = None) -> dict[str, Any]:
    """Where each value of the column lies, and what stands at both ends."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in column):
        places = [math.log(value) if log else float(value) for value in column]
        ends = [said(end, label) if said else _shown(end) for end in (max(column), min(column))]
    else:
        known = sorted({str(value) for value in column})
        places = [float(known.index(str(value))) for value in column]
        ends = [known[-1], known[0]]
    low, span = min(places), max(places) - min(places)
    usable = HEIGHT - 2 * TOP
    heights = [HEIGHT - TOP - usable * ((place - low) / span if span else 0.5) for place in places]
    return {"label": label, "high": ends[0], "low": ends[1], "heights": heights}


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else formats.significant(value)
