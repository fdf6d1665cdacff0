"""Where everything of a chart lies on a surface of WIDTH × HEIGHT, origin at the top left. Pure geometry."""

import math
from dataclasses import dataclass

from config import formats
from jobs.report.blocks import Chart, Line

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 8, 36
TICKS = 4
COLOURS = ("#3F8DF1", "#B68353", "#136D54", "#CD3191", "#604C00", "#067CAA", "#5430B6", "#353E47")


@dataclass(frozen=True)
class Drawn:
    """`lines`: colour and place of each point; ticks: place and words."""

    lines: list[tuple[str, Line, list[tuple[float, float]]]]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


def drawn(chart: Chart) -> Drawn | None:
    """None when there is no finite point."""
    kept = [(line, [point for point in line.points if all(map(math.isfinite, point))]) for line in chart.lines]
    everything = [point for _line, points in kept for point in points]
    if not everything:
        return None
    across, up = _span([x for x, _y in everything]), _span([y for _x, y in everything])
    lines = [
        (COLOURS[number % len(COLOURS)], line, [(_x(x, across), _y(y, up)) for x, y in points])
        for number, (line, points) in enumerate(kept)
        if points
    ]
    x_ticks = [(_x(value, across), formats.significant(value, 3)) for value in _ticks(across)]
    return Drawn(lines, x_ticks, [(_y(value, up), formats.significant(value, 3)) for value in _ticks(up)])


def _span(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(span: tuple[float, float]) -> list[float]:
    """Round values within the span."""
    low, high = span
    rough = (high - low) / TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _x(value: float, span: tuple[float, float]) -> float:
    return LEFT + (value - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT)


def _y(value: float, span: tuple[float, float]) -> float:
    return TOP + (span[1] - value) / (span[1] - span[0]) * (HEIGHT - TOP - BOTTOM)
