"""Which file on which device to take: what no other beats in quality, latency and size at once. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contract.requirement import Requirement
from jobs.judging import COMPARE, row_values


@dataclass(frozen=True)
class Candidate:
    """One file on one device, as it was measured."""

    file: str
    device: str
    quality: float
    latency_ms: float
    """median of one sample"""
    bytes: int
    missed: tuple[str, ...]
    """limits that it does not keep, and those for which nobody measured it"""


@dataclass(frozen=True)
class Choice:
    """All that were measured, the front in order of latency, and the best that keeps every limit (None: none does)."""

    candidates: list[Candidate]
    front: list[Candidate]
    best: Candidate | None


def choose(
    rows: Iterable[dict[str, Any]], metric: str, limits: list[Requirement], *, higher_is_better: bool = True
) -> Choice:
    """`rows`: measurements; those without the metric, a latency or a size are no candidates.

    The best is the one of highest quality, then of lowest latency, then the smallest.
    """
    candidates = [_candidate(row, metric, limits) for row in rows if _is_whole(row, metric)]
    sign = 1.0 if higher_is_better else -1.0
    front = [one for one in candidates if not any(_beats(other, one, sign) for other in candidates)]
    kept = [one for one in candidates if not one.missed]
    best = min(kept, key=lambda one: (-sign * one.quality, one.latency_ms, one.bytes), default=None)
    return Choice(candidates, sorted(front, key=lambda one: (one.latency_ms, one.bytes)), best)


def _beats(one: Candidate, other: Candidate, sign: float) -> bool:
    """Nowhere worse and somewhere better."""
    ours = (-sign * one.quality, one.latency_ms, one.bytes)
    theirs = (-sign * other.quality, other.latency_ms, other.bytes)
    return ours != theirs and all(mine <= its for mine, its in zip(ours, theirs, strict=True))


def _is_whole(row: dict[str, Any], metric: str) -> bool:
    return row["state"] == "done" and metric in row["metrics"] and bool(row["latency_ms"]) and bool(row["file_bytes"])


def _candidate(row: dict[str, Any], metric: str, limits: list[Requirement]) -> Candidate:
    missed = tuple(limit.text for limit in limits if _is_about(limit, row) and not _keeps(limit, row))
    where = (row["artifact"], row["device"])
    return Candidate(*where, row["metrics"][metric], row["latency_ms"]["p50"], row["file_bytes"], missed)


def _is_about(limit: Requirement, row: dict[str, Any]) -> bool:
    """Time that training took, and what was measured while training, says nothing about a file."""
    if limit.key == "duration" or (not limit.unit and not limit.key.startswith("eval/")):
        return False
    right_device = limit.device.lower() in ("", row["device"].lower())
    return right_device and limit.file in ("", row["artifact"])


def _keeps(limit: Requirement, row: dict[str, Any]) -> bool:
    values = row_values(limit.key, row)
    return bool(values) and all(COMPARE[limit.sign](value, limit.limit) for value in values)
