"""Points of one series as arrays, and how a value that is not a finite number is written where JSON is spoken."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contract.events import NOT_FINITE

INT = np.dtype("<i8")
FLOAT = np.dtype("<f8")


@dataclass(frozen=True)
class Points:
    """Points of one series: `steps` int64, `times` int64 in Unix ms, `values` float64; steps rise."""

    steps: np.ndarray
    times: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    def take(self, which: Any) -> "Points":
        """The points chosen by a mask, a slice or an index array."""
        return Points(self.steps[which], self.times[which], self.values[which])

    @classmethod
    def of(cls, steps: Sequence[int], times: Sequence[int], values: Sequence[float]) -> "Points":
        return cls(np.array(steps, INT), np.array(times, INT), np.array(values, FLOAT))

    @classmethod
    def none(cls) -> "Points":
        return cls.of([], [], [])


def joined(parts: Iterable[Points]) -> Points:
    """All parts in the order of their steps, each step once: of points with one step the one named last wins."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return Points.none()
    whole = Points(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
    if len(parts) == 1 or np.all(whole.steps[1:] > whole.steps[:-1]):
        return whole
    whole = whole.take(np.argsort(whole.steps, kind="stable"))
    last_of_step = np.append(whole.steps[1:] != whole.steps[:-1], True)
    return whole.take(last_of_step)


def kind_of(value: float) -> str:
    """`nan`, `inf` or `-inf`."""
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


def to_json(value: float) -> float | str:
    """A value as JSON can hold it: a number, or the kind of what is not finite."""
    return value if math.isfinite(value) else kind_of(value)


def from_json(value: float | str) -> float:
    return NOT_FINITE[value] if isinstance(value, str) else float(value)


def kinds_of(points: Points) -> list[list]:
    """`[[step, kind], …]` of what is not finite."""
    strange = points.take(~np.isfinite(points.values))
    pairs = zip(strange.steps.tolist(), strange.values.tolist(), strict=True)
    return [[step, kind_of(value)] for step, value in pairs]


def numbers_or_null(points: Points) -> tuple[list[float | None], list[list]]:
    """The values with null for each that is not finite, and `kinds_of` those."""
    values: list = points.values.tolist()
    for index in np.flatnonzero(~np.isfinite(points.values)).tolist():
        values[index] = None
    return values, kinds_of(points)


def iso_times(times: np.ndarray) -> list[str]:
    """Unix ms → ISO 8601 UTC with milliseconds."""
    return np.datetime_as_string(times.astype("datetime64[ms]"), timezone="UTC").tolist()


def series_json(key: str, rank: int, points: Points) -> dict[str, Any]:
    """A series as REST and websockets show it."""
    values, kinds = numbers_or_null(points)
    series = {"key": key, "rank": rank, "steps": points.steps.tolist(), "values": values}
    series["times"] = iso_times(points.times)
    return series | ({"not_finite": kinds} if kinds else {})
