"""A number comes up: batches of a rank become frames, log rows and events, exactly once and in order.

One transaction a batch, which holds the job's row from its first statement on: all that takes a `seq` of a job does.
Readers are told after the commit.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction

from contract.events import Batch
from jobs import happenings, live
from jobs.frames import lines_of, log_frame, points_frame
from jobs.metrics import heads, seal
from jobs.metrics.accept import Accepting
from jobs.metrics.points import series_json
from jobs.models import Attempt, Head, Job, LogRow, Rank

MAX_LINE = 16 * 1024
"""Characters of a log line that are kept; a longer one ends in a note."""


class Superseded(Exception):
    """A later attempt of the job is running: nothing more of this one is taken (rules R5, R8)."""


def store(rank_row: Rank, batches: Iterable[Batch]) -> int:
    """Store the batches that follow the last stored one, each in its own transaction, and return the last stored
    number. Stored ones are skipped; nothing is stored past a gap. Raises `Superseded`."""
    last = rank_row.last_batch
    for batch in batches:
        if batch.number <= last:
            continue
        with transaction.atomic():
            stored = _store_one(rank_row.pk, batch)
        last = stored
        if stored < batch.number:
            break
    rank_row.last_batch = last
    return last


def _store_one(rank_pk: int, batch: Batch) -> int:
    """The number of the last stored batch, which is this one's unless it did not come next."""
    locked = Job.objects.select_for_update(no_key=True, of=("self",)).only("seq", "step", "summary")
    job = locked.get(attempts__ranks=rank_pk)
    rank = Rank.objects.select_related("attempt").get(pk=rank_pk)
    if batch.number != rank.last_batch + 1:
        return rank.last_batch
    _refuse_superseded(rank.attempt)
    frames = []
    if batch.frames:
        job.seq += 1
        frames.append(_store_points(job, rank, batch))
    if batch.log:
        job.seq += 1
        frames.append(_store_log(job, rank, batch))
    if batch.events:
        job.seq += 1
    Rank.objects.filter(pk=rank.pk).update(last_batch=batch.number, step=rank.step)
    Job.objects.filter(pk=job.pk).update(seq=job.seq, step=job.step, summary=job.summary)
    transaction.on_commit(partial(_publish, job.pk, frames, job.seq if batch.events else None), robust=True)
    for event in batch.events:
        happenings.apply(rank, event)
    return batch.number


def _refuse_superseded(attempt: Attempt) -> None:
    if attempt.ended_at is not None:
        later = Attempt.objects.filter(job_id=attempt.job_id, number__gt=attempt.number, withdrawn_seq__gt=0)
        if later.exists():
            raise Superseded


def _store_points(job: Job, rank: Rank, batch: Batch) -> dict[str, Any]:
    """Frames, heads, `Latest`, summary and step of what is new. Returns the frame for readers."""
    found = heads.lock(job.pk, {0, rank.rank})
    head = found[rank.rank]
    accepting = Accepting(rank.attempt, head, batch.number, job.seq)
    for reported in batch.frames:
        accepting.add(reported)
    accepting.finish()
    if not accepting.waits:
        seal.seal_when_due(head, rank.attempt)
        _show(job, rank, head, {key for key, _ in accepting.taken}, found[0])
    head.save(update_fields=["keys", "repeated", "late"])
    shown = [] if accepting.waits else accepting.taken
    return points_frame(job.seq, [series_json(key, rank.rank, points) for key, points in shown])


def _show(job: Job, rank: Rank, head: Head, keys: set[str], first_head: Head) -> None:
    """Bring what lists and pages show up to date: the last value of the lowest rank that reports a key."""
    shown = keys if rank.rank == 0 else keys - first_head.keys.keys()
    values = {key: head.keys[key]["value"] for key in shown}
    heads.keep_latest(job.pk, values)
    job.summary |= values
    furthest = max((head.keys[key]["step"] for key in keys), default=0)
    job.step, rank.step = max(job.step, furthest), max(rank.step, furthest)


def _store_log(job: Job, rank: Rank, batch: Batch) -> dict[str, Any]:
    lines = [[line.time, line.level, _cut(line.text)] for line in batch.log]
    row = LogRow.objects.create(
        job_id=job.pk, attempt=rank.attempt, rank=rank.rank, batch=batch.number, seq=job.seq, lines=lines
    )
    return log_frame(job.seq, lines_of(row))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LINE else text[:MAX_LINE] + "… (cut)"


def _publish(job_id: int, frames: list[dict[str, Any]], events_seq: int | None) -> None:
    live.publish_frames(job_id, frames)
    if events_seq is not None:
        live.publish_state(job_id, events_seq)
