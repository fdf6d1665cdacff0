"""A chunk's bytes and the summary beside it.

Bytes: format number, then zstd of three columns (differences of steps, differences of times, values), each with its
bytes shuffled: all first bytes, all second bytes, …, which lets the compressor see what is regular in them.
"""

import threading
from typing import Any

import numpy as np
import zstandard

from jobs.metrics.points import FLOAT, INT, Points, kind_of, to_json

FORMAT = 1
LEVEL = 3
SKETCH_PARTS = 8
"""A chunk's summary holds the extremes of so many parts of it: enough for a chart without decoding any chunk."""
KINDS_KEPT = 32
"""Steps of values that are not finite which a summary names; it counts them all."""

_per_thread = threading.local()


def encode(points: Points) -> bytes:
    columns = (np.diff(points.steps, prepend=INT.type(0)), np.diff(points.times, prepend=INT.type(0)), points.values)
    body = b"".join(_shuffled(column) for column in columns)
    return bytes([FORMAT]) + _compressor().compress(body)


def decode(data: bytes | memoryview, count: int) -> Points:
    """The points of a chunk. Raises ValueError when the bytes are not `count` points of a known format."""
    data = bytes(data)
    if data[:1] != bytes([FORMAT]):
        raise ValueError(f"chunk of unknown format {data[:1]!r}")
    body = _decompressor().decompress(data[1:], max_output_size=24 * count)
    if len(body) != 24 * count:
        raise ValueError(f"chunk of {len(body)} bytes, {24 * count} expected")
    steps, times, values = (
        np.frombuffer(body, np.uint8, 8 * count, offset=8 * count * part).reshape(8, count).T for part in range(3)
    )
    return Points(
        np.cumsum(_plain(steps, INT)),
        np.cumsum(_plain(times, INT)),
        _plain(values, FLOAT),
    )


def summary(points: Points) -> dict[str, Any]:
    """first, last, min, max as [step, time, value]; the extremes of each part; what is not finite."""
    finite = np.isfinite(points.values)
    usable = points.take(finite)
    strange = points.take(~finite)
    return {
        "first": _point(points, 0),
        "last": _point(points, -1),
        "min": _point(usable, int(np.argmin(usable.values))) if len(usable) else None,
        "max": _point(usable, int(np.argmax(usable.values))) if len(usable) else None,
        "sketch": _sketch(usable),
        "not_finite": [
            [int(step), kind_of(value)]
            for step, value in zip(strange.steps[:KINDS_KEPT], strange.values[:KINDS_KEPT], strict=True)
        ],
        "not_finite_count": len(strange),
    }


def _sketch(points: Points) -> list[list]:
    """Steps, times and values of the extremes of each of SKETCH_PARTS parts, and of the first and last point."""
    if not len(points):
        return [[], [], []]
    chosen = {0, len(points) - 1}
    for part in np.array_split(np.arange(len(points)), min(SKETCH_PARTS, len(points))):
        values = points.values[part]
        chosen |= {int(part[np.argmin(values)]), int(part[np.argmax(values)])}
    kept = points.take(sorted(chosen))
    return [kept.steps.tolist(), kept.times.tolist(), kept.values.tolist()]


def _point(points: Points, index: int) -> list:
    return [int(points.steps[index]), int(points.times[index]), to_json(float(points.values[index]))]


def _shuffled(column: np.ndarray) -> bytes:
    return np.ascontiguousarray(column).view(np.uint8).reshape(len(column), 8).T.tobytes()


def _plain(shuffled: np.ndarray, kind: np.dtype) -> np.ndarray:
    return np.ascontiguousarray(shuffled).view(kind).reshape(-1)


def _compressor() -> zstandard.ZstdCompressor:
    """One per thread: one shared between threads crashes the process."""
    if not hasattr(_per_thread, "compressor"):
        _per_thread.compressor = zstandard.ZstdCompressor(level=LEVEL)
    return _per_thread.compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_per_thread, "decompressor"):
        _per_thread.decompressor = zstandard.ZstdDecompressor()
    return _per_thread.decompressor
