"""A limit held against what was measured. Pure: it takes facts and gives a verdict.

Without a device the worst of all devices counts; without a file the largest one for `size`, the slowest for speed and
memory, and the trained weights for a metric.
"""

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from contract.requirement import Requirement

COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
MET, MISSED, OPEN, UNKNOWN = "met", "missed", "open", "unknown"
WEIGHTS = "model.safetensors"
PLAIN = {"cold_start": "cold_start_seconds", "memory": "peak_memory_bytes"}


@dataclass(frozen=True)
class Found:
    """One measured value, and where it was measured ("" for the job as a whole)."""

    value: float
    file: str = ""
    device: str = ""
    n: int | None = None


@dataclass(frozen=True)
class Facts:
    """What there is to judge by; the callables are asked only when a limit is about them."""

    last: dict[str, float]
    """last value of each metric of the job"""
    final: bool
    """the job has ended: what is missed now stays missed"""
    rows: Callable[[], list[dict[str, Any]]]
    """measurements, each with artifact, device, state, metrics, latency_ms, …"""
    files: Callable[[], dict[str, int]]
    """bytes of each model file"""
    seconds: Callable[[], float | None]
    """that attempts ran, None before the first"""


def judged(wanted: Requirement, facts: Facts) -> dict[str, Any]:
    """text, key, unit, value, limit, file, device, n and the verdict: met, missed, open or unknown."""
    found = list(_found(wanted, facts))
    told = {"text": wanted.text, "key": wanted.key, "unit": wanted.unit, "limit": wanted.limit}
    if not found:
        verdict = UNKNOWN if facts.final else OPEN
        return told | {"value": None, "file": "", "device": "", "n": None, "verdict": verdict}
    worst = _worst(found, wanted)
    met = COMPARE[wanted.sign](worst.value, wanted.limit)
    verdict = MET if met else (MISSED if facts.final else OPEN)
    finite = worst.value if abs(worst.value) < float("inf") else None
    return told | {"value": finite, "file": worst.file, "device": worst.device, "n": worst.n, "verdict": verdict}


def _worst(found: Iterable[Found], wanted: Requirement) -> Found:
    """A value that is no number is worse than any."""
    sign = 1 if wanted.wants_more else -1
    return min(found, key=lambda one: sign * one.value if one.value == one.value else float("-inf"))


def _found(wanted: Requirement, facts: Facts) -> Iterator[Found]:
    if wanted.key == "duration":
        seconds = facts.seconds()
        yield from [] if seconds is None else [Found(seconds)]
    elif wanted.key == "size":
        sizes = facts.files()
        named = {wanted.file: sizes[wanted.file]} if wanted.file in sizes else ({} if wanted.file else sizes)
        yield from (Found(float(size), name) for name, size in named.items())
    elif wanted.unit or wanted.device or wanted.file or wanted.key.startswith("safety/"):
        yield from (found for row in _rows(wanted, facts) for found in _of_row(wanted.key, row))
    elif wanted.key in facts.last:
        yield Found(facts.last[wanted.key])


def _rows(wanted: Requirement, facts: Facts) -> Iterator[dict[str, Any]]:
    """Measured rows that the limit is about."""
    file = wanted.file or ("" if wanted.unit else WEIGHTS)
    for row in facts.rows():
        right_device = not wanted.device or row["device"].lower() == wanted.device.lower()
        if row["state"] == "done" and right_device and file in ("", row["artifact"]):
            yield row


def row_values(key: str, row: dict[str, Any]) -> list[float]:
    """What one measured row says of `key`; its file's size too."""
    if key == "size":
        return [float(row["file_bytes"])] if row.get("file_bytes") else []
    return [found.value for found in _of_row(key, row)]


def _of_row(key: str, row: dict[str, Any]) -> Iterator[Found]:
    where = (row["artifact"], row["device"])
    kind, _, name = key.partition("/")
    if kind == "latency":
        latency = row.get("latency_ms") or {}
        yield from [Found(latency[name], *where, latency.get("n"))] if name in latency else []
    elif kind == "throughput":
        yield from [Found(max(row["throughput"].values()), *where)] if row.get("throughput") else []
    elif key in PLAIN:
        yield from [Found(float(row[PLAIN[key]]), *where)] if row.get(PLAIN[key]) else []
    elif name in row["metrics"]:
        yield Found(row["metrics"][name], *where, row.get("samples"))
