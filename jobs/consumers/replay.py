"""What a reader missed, from the store: all that came after some `seq`, in order, a page at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from jobs import queries
from jobs.frames import Message, lines_of, log_frame, merged, points_frame, state_frame, withdrawn_frame
from jobs.metrics import chunks
from jobs.metrics.heads import counted_frames
from jobs.metrics.pack import unpack
from jobs.metrics.points import series_json
from jobs.models import Attempt, Chunk, Frame, Job, LogRow

PAGE_POINTS = 4_000
POINTS_A_LOG_ROW = 20
"""A row of log lines weighs about as much as so many points."""


class Changed(Exception):
    """Something was sealed or withdrawn while it was read: begin again from the last `seq` that was sent."""


class _Item(NamedTuple):
    start: int
    """the `seq` from which a reader lacks it"""
    kind: str
    key: int
    weight: int


@dataclass
class Replay:
    """Built in one go (ids only), then read page by page."""

    job_id: int
    after: int
    seq: int
    state: dict[str, Any]
    items: list[_Item]

    @classmethod
    def of(cls, job_id: int, after: int) -> "Replay | None":
        """None when the job is gone. The `seq` is read first: more may have come since, never less."""
        job = queries.with_parts(Job.objects.filter(pk=job_id)).first()
        if job is None:
            return None
        items = sorted(item for item in _items(job_id, after) if item.start <= job.seq) if after < job.seq else []
        return cls(job_id, min(after, job.seq), job.seq, queries.job_json(job), items)

    def pages(self) -> Iterator[list[Message]]:
        """Messages, at most one of each type a page; the last one is the state. Raises Changed."""
        last = self.after
        pages = list(_pages(self.items))
        for index, page in enumerate(pages):
            until = pages[index + 1][0].start - 1 if index + 1 < len(pages) else self.seq - 1
            messages = merged(self._frames(page), last, max(last, until))
            last = messages[-1]["seq"]
            yield messages
        yield [state_frame(self.seq, self.state) | {"first_seq": last + 1}]

    def _frames(self, page: list[_Item]) -> list[Message]:
        loaded = {kind: self._loaded(kind, [i.key for i in page if i.kind == kind]) for kind in _LOADERS}
        frames = []
        for item in page:
            frame = loaded[item.kind].get(item.key)
            if frame is None:
                raise Changed
            frames.append(frame | {"first_seq": item.start, "seq": item.start})
        return frames

    def _loaded(self, kind: str, keys: list[int]) -> dict[int, Message]:
        return dict(_LOADERS[kind](keys)) if keys else {}


def _items(job_id: int, after: int) -> Iterator[_Item]:
    for key, first_seq, count in (
        Chunk.objects.filter(job_id=job_id, seq__gt=after).values_list("pk", "first_seq", "count").iterator()
    ):
        yield _Item(max(first_seq, after + 1), "chunk", key, count)
    for key, seq, count, names in (
        counted_frames(job_id).filter(seq__gt=after).values_list("pk", "seq", "count", "keys")
    ):
        yield _Item(seq, "frame", key, count * len(names))
    for key, seq in LogRow.objects.filter(job_id=job_id, seq__gt=after).values_list("pk", "seq"):
        yield _Item(seq, "log", key, POINTS_A_LOG_ROW)
    for key, seq in Attempt.objects.filter(job_id=job_id, withdrawn_seq__gt=after).values_list("pk", "withdrawn_seq"):
        yield _Item(seq, "withdrawn", key, 0)


def _pages(items: list[_Item]) -> Iterator[list[_Item]]:
    page: list[_Item] = []
    weight = 0
    for item in items:
        if page and weight + item.weight > PAGE_POINTS:
            yield page
            page, weight = [], 0
        page.append(item)
        weight += item.weight
    if page:
        yield page


def _chunk_frames(keys: list[int]) -> Iterable[tuple[int, Message]]:
    for chunk in Chunk.objects.filter(pk__in=keys):
        points = chunks.decode(chunk.data, chunk.count)
        yield chunk.pk, points_frame(0, [series_json(chunk.key, chunk.rank, points)])


def _frame_frames(keys: list[int]) -> Iterable[tuple[int, Message]]:
    for frame in Frame.objects.filter(pk__in=keys):
        columns = unpack(bytes(frame.data), frame.count, frame.keys)
        yield frame.pk, points_frame(0, [series_json(key, frame.rank, points) for key, points in columns.items()])


def _log_frames(keys: list[int]) -> Iterable[tuple[int, Message]]:
    return ((row.pk, log_frame(row.seq, lines_of(row))) for row in LogRow.objects.filter(pk__in=keys))


def _withdrawn_frames(keys: list[int]) -> Iterable[tuple[int, Message]]:
    for attempt in Attempt.objects.filter(pk__in=keys):
        yield attempt.pk, withdrawn_frame(attempt.withdrawn_seq, attempt.resumed_from_step or 0)


_LOADERS = {"chunk": _chunk_frames, "frame": _frame_frames, "log": _log_frames, "withdrawn": _withdrawn_frames}
