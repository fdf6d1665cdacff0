"""Reading series: exact, or reduced to so many points that a chart needs.

Frames are read before chunks: a point that is sealed in between is then seen twice, which joining mends, never missed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from django.db.models import QuerySet

from jobs.metrics import chunks
from jobs.metrics.heads import counted_frames
from jobs.metrics.pack import unpack
from jobs.metrics.points import Points, joined
from jobs.models import Chunk, Head

Series = tuple[int, str]
"""(rank, key)"""


@dataclass(frozen=True)
class Wanted:
    """Which series of a job to read: key patterns with `*`, and ranks; empty means all."""

    job_id: int
    keys: Sequence[str] = field(default_factory=list)
    ranks: Sequence[int] = field(default_factory=list)

    def has(self, rank: int, key: str) -> bool:
        fits = not self.keys or any(fnmatchcase(key, pattern) for pattern in self.keys)
        return fits and (not self.ranks or rank in self.ranks)


def totals(wanted: Wanted) -> dict[Series, int]:
    """How many points each wanted series has, in order of key and rank."""
    heads = Head.objects.filter(job_id=wanted.job_id).values_list("rank", "keys")
    found = {
        (rank, key): known["count"] for rank, keys in heads for key, known in keys.items() if wanted.has(rank, key)
    }
    return dict(sorted(found.items(), key=lambda item: (item[0][1], item[0][0])))


def open_points(wanted: Wanted, after: int = 0) -> dict[Series, list[Points]]:
    """The points that lie in frames stored after `seq` `after`, in the order in which they came."""
    frames = counted_frames(wanted.job_id).filter(seq__gt=after).order_by("seq", "group")
    if wanted.ranks:
        frames = frames.filter(rank__in=wanted.ranks)
    found: dict[Series, list[Points]] = {}
    for rank, keys, count, data in frames.values_list("rank", "keys", "count", "data"):
        for key, points in unpack(bytes(data), count, keys).items():
            if wanted.has(rank, key):
                found.setdefault((rank, key), []).append(points)
    return found


def exact(wanted: Wanted) -> Iterator[tuple[int, str, Points]]:
    """All points of all wanted series, a piece of one series at a time, in order of key, rank and step."""
    for rank, key in totals(wanted):
        for points in exact_series(wanted.job_id, rank, key):
            yield rank, key, points


def exact_series(job_id: int, rank: int, key: str) -> Iterator[Points]:
    """All points of one series, a chunk at a time. Open points that lie among chunks are joined with these."""
    rest = joined(open_points(Wanted(job_id, [_literal(key)], [rank])).get((rank, key), []))
    series = Chunk.objects.filter(job_id=job_id, rank=rank, key=key).order_by("first_step")
    for count, last_step, data in series.values_list("count", "last_step", "data").iterator(chunk_size=32):
        among = rest.steps <= last_step
        sealed = chunks.decode(data, count)
        yield joined([sealed, rest.take(among)]) if among.any() else sealed
        rest = rest.take(~among)
    if len(rest):
        yield rest


def stored_after(wanted: Wanted, after: int) -> dict[Series, Points]:
    """Points stored after `seq` `after`, and those that share a chunk with one of them."""
    found = open_points(wanted, after)
    for rank, key, count, data in _chunks(wanted, seq__gt=after).values_list("rank", "key", "count", "data"):
        if wanted.has(rank, key):
            found.setdefault((rank, key), []).insert(0, chunks.decode(data, count))
    return {series: joined(parts) for series, parts in found.items()}


def in_range(wanted: Wanted, first_step: int, last_step: int) -> dict[Series, Points]:
    """All points of a range of steps, ends included; only the chunks that reach into it are decoded."""
    found = open_points(wanted)
    rows = _chunks(wanted, last_step__gte=first_step, first_step__lte=last_step)
    for rank, key, count, data in rows.order_by("-first_step").values_list("rank", "key", "count", "data"):
        if wanted.has(rank, key):
            found.setdefault((rank, key), []).insert(0, chunks.decode(data, count))
    whole = {series: joined(parts) for series, parts in found.items()}
    return {
        series: points.take((points.steps >= first_step) & (points.steps <= last_step))
        for series, points in whole.items()
    }


def whole(job_id: int, rank: int, key: str) -> Points:
    """One whole series at once."""
    return joined(exact_series(job_id, rank, key))


def _chunks(wanted: Wanted, **conditions: Any) -> QuerySet[Chunk]:
    rows = Chunk.objects.filter(job_id=wanted.job_id, **conditions)
    return rows.filter(rank__in=wanted.ranks) if wanted.ranks else rows


def _literal(key: str) -> str:
    """A key as a pattern that only it fits."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in key)
