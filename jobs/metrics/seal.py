"""Sealing: frames become chunks, in the transaction that deletes them."""

import numpy as np
from django.db.models import QuerySet

from jobs.metrics import chunks
from jobs.metrics.pack import unpack
from jobs.metrics.points import Points, joined
from jobs.models import Attempt, Chunk, Frame, Head

SEAL_POINTS = 4096
"""A series is sealed when so many of its points lie in frames."""
CHUNK_POINTS = 8192
"""No chunk holds more."""
SEAL_FRAMES = 256
"""A rank is sealed when it has so many frames, however few points they hold (slow training: a point a batch)."""


def seal_when_due(head: Head, attempt: Attempt) -> bool:
    """Seal the frames of `head`'s rank when they have become many. The caller holds the job and the head."""
    most = max((known["open"] for known in head.keys.values()), default=0)
    if most < SEAL_FRAMES:
        return False
    if most < SEAL_POINTS and Frame.objects.filter(attempt=attempt, rank=head.rank).count() < SEAL_FRAMES:
        return False
    seal(head, attempt)
    return True


def seal(head: Head, attempt: Attempt) -> None:
    """Turn all frames of (attempt, rank) into chunks. Points of two attempts never share a chunk, so that a reader
    who goes on from some `seq` meets a withdrawal between what it dropped and what came instead."""
    frames = list(Frame.objects.filter(attempt=attempt, rank=head.rank).order_by("seq", "group"))
    gathered: dict[str, list[tuple[int, Points]]] = {}
    for frame in frames:
        for key, points in unpack(bytes(frame.data), frame.count, frame.keys).items():
            gathered.setdefault(key, []).append((frame.seq, points))
    for key, parts in gathered.items():
        _add(attempt, head.rank, key, parts)
        head.keys[key]["open"] = 0
    Frame.objects.filter(pk__in=[frame.pk for frame in frames]).delete()


def _add(attempt: Attempt, rank: int, key: str, parts: list[tuple[int, Points]]) -> None:
    """Put points into the series' chunks: late ones into those they belong to, the others behind the last one."""
    points = joined(part for _, part in parts)
    seqs = parts[0][0], parts[-1][0]
    series = Chunk.objects.filter(job_id=attempt.job_id, rank=rank, key=key)
    last = series.order_by("-first_step").first()
    if last is not None and points.steps[0] <= last.last_step:
        late = points.steps <= last.last_step
        _merge(series, points.take(late), seqs)
        points = points.take(~late)
        last = series.order_by("-first_step").first()
    if not len(points):
        return
    if last is not None and last.first_seq > attempt.withdrawn_seq and last.count + len(points) <= CHUNK_POINTS:
        _replace(last, [points], seqs)
    else:
        Chunk.objects.bulk_create(row(attempt.job_id, rank, key, piece, seqs) for piece in _pieces(points))


def _merge(series: QuerySet[Chunk], late: Points, seqs: tuple[int, int]) -> None:
    starts = np.array(series.order_by("first_step").values_list("first_step", flat=True))
    owner = np.maximum(np.searchsorted(starts, late.steps, side="right") - 1, 0)
    for index in np.unique(owner):
        _replace(series.get(first_step=int(starts[index])), [late.take(owner == index)], seqs)


def _replace(chunk: Chunk, more: list[Points], seqs: tuple[int, int]) -> None:
    points = joined([*more, chunks.decode(chunk.data, chunk.count)])
    seqs = min(chunk.first_seq, seqs[0]), max(chunk.seq, seqs[1])
    chunk.delete()
    Chunk.objects.bulk_create(row(chunk.job_id, chunk.rank, chunk.key, piece, seqs) for piece in _pieces(points))


def _pieces(points: Points) -> list[Points]:
    """As few pieces of at most CHUNK_POINTS as hold all points, of nearly equal size."""
    count = -(-len(points) // CHUNK_POINTS)
    size = -(-len(points) // count)
    return [points.take(slice(start, start + size)) for start in range(0, len(points), size)]


def row(job_id: int, rank: int, key: str, points: Points, seqs: tuple[int, int]) -> Chunk:
    """An unsaved chunk of these points, which were stored from `seqs[0]` to `seqs[1]`."""
    return Chunk(
        job_id=job_id,
        rank=rank,
        key=key,
        first_step=int(points.steps[0]),
        last_step=int(points.steps[-1]),
        count=len(points),
        first_seq=seqs[0],
        seq=seqs[1],
        summary=chunks.summary(points),
        data=chunks.encode(points),
    )
