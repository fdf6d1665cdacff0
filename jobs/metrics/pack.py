"""The binary layout of a frame: int64 steps, int64 times in ms, then one float64 column per key, little-endian."""

from collections.abc import Sequence

import numpy as np

from contract import events
from jobs.metrics.points import FLOAT, INT, Points

MAX_TIME_S = 2**41 / 1000
"""Times are kept in ms; beyond the year 2039 a device's clock is wrong, and the point is kept at this bound."""


def arrays(frame: events.Frame) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The frame of a batch as arrays: steps [n], times in ms [n], values [n] per key."""
    times = np.clip(np.nan_to_num(np.array(frame.times, FLOAT)), 0, MAX_TIME_S)
    columns = {key: np.array(values, FLOAT) for key, values in frame.columns.items()}
    return np.array(frame.steps, INT), np.rint(times * 1000).astype(INT), columns


def pack(steps: np.ndarray, times: np.ndarray, columns: Sequence[np.ndarray]) -> bytes:
    return b"".join(np.ascontiguousarray(part).tobytes() for part in (steps, times, *columns))


def unpack(data: bytes, count: int, keys: Sequence[str]) -> dict[str, Points]:
    """The points of each key. The arrays are read-only views of `data`."""
    steps = np.frombuffer(data, INT, count)
    times = np.frombuffer(data, INT, count, offset=8 * count)
    return {
        key: Points(steps, times, np.frombuffer(data, FLOAT, count, offset=8 * count * (2 + index)))
        for index, key in enumerate(keys)
    }
