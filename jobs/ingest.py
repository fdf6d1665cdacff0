"""A number comes up: batches of a rank become frames, log rows and events, exactly once and in order.

A transaction holds the job's row from its first statement on: all that takes a `seq` of a job does. It takes one batch,
or several when a device catches up. Readers are told after the commit.
"""

import time
from collections.abc import Iterable, Iterator
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

AT_ONCE = 40
"""Batches of one transaction at most: a rank's last ten seconds, stored in a quarter of the time that 40 would take."""
ANSWER_WITHIN_S = 2.0
"""The sender waits 10 s for its answer. After so long it hears how far it came, and goes on from there."""
MAX_LINE = 16 * 1024
"""Characters of a log line that are kept; a longer one ends in a note."""


class Superseded(Exception):
    """A later attempt of the job is running: nothing more of this one is taken (rules R5, R8)."""


def store(rank_row: Rank, batches: Iterable[Batch]) -> int:
    """Store the batches that follow the last stored one, as many as time allows, and return the last stored number.

    Stored ones are skipped; nothing is stored past a gap. Raises `Superseded`, and ValueError for a batch that cannot
    be stored, once all before it are.
    """
    began, last = time.monotonic(), rank_row.last_batch
    for group in _groups(batch for batch in batches if batch.number > rank_row.last_batch):
        last = _store_group(rank_row.pk, group)
        if last < group[-1].number or time.monotonic() - began > ANSWER_WITHIN_S:
            break
    rank_row.last_batch = last
    return last


def _groups(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """What goes into one transaction: events end it, for they may ask what is stored."""
    group: list[Batch] = []
    for batch in batches:
        group.append(batch)
        if batch.events or len(group) == AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def _store_group(rank_pk: int, group: list[Batch]) -> int:
    """The number of the last stored batch. When one of the group cannot be stored, those before it are all the same."""
    try:
        with transaction.atomic():
            return _store(rank_pk, group)
    except ValueError:
        if len(group) == 1:
            raise
    return [_store_group(rank_pk, [batch]) for batch in group][-1]


def _store(rank_pk: int, batches: list[Batch]) -> int:
    locked = Job.objects.select_for_update(no_key=True, of=("self",)).only("seq", "step", "summary")
    job = locked.get(attempts__ranks=rank_pk)
    rank = Rank.objects.select_related("attempt").get(pk=rank_pk)
    following = _following(rank.last_batch, batches)
    if not following:
        return rank.last_batch
    _refuse_superseded(rank.attempt)
    last, frames = following[-1], _store_reported(job, rank, following)
    if last.events:
        job.seq += 1
    Rank.objects.filter(pk=rank.pk).update(last_batch=last.number, step=rank.step)
    Job.objects.filter(pk=job.pk).update(seq=job.seq, step=job.step, summary=job.summary)
    transaction.on_commit(partial(_publish, job.pk, frames, job.seq if last.events else None), robust=True)
    for event in last.events:
        happenings.apply(rank, event)
    return last.number


def _following(number: int, batches: list[Batch]) -> list[Batch]:
    """Those that come next after batch `number`, without a gap."""
    found = []
    for batch in batches:
        if batch.number == number + 1:
            found.append(batch)
            number += 1
    return found


def _refuse_superseded(attempt: Attempt) -> None:
    if attempt.ended_at is not None:
        later = Attempt.objects.filter(job_id=attempt.job_id, number__gt=attempt.number, withdrawn_seq__gt=0)
        if later.exists():
            raise Superseded


def _store_reported(job: Job, rank: Rank, batches: list[Batch]) -> list[dict[str, Any]]:
    """Points and log lines, a `seq` for each. Returns the frames for readers."""
    found = heads.lock(job.pk, {0, rank.rank}) if any(batch.frames for batch in batches) else {}
    frames, keys = [], set()
    for batch in batches:
        if batch.frames:
            job.seq += 1
            accepting = _accept(job, rank, found[rank.rank], batch)
            shown = [] if accepting.waits else accepting.taken
            keys |= {key for key, _ in shown}
            frames.append(points_frame(job.seq, [series_json(key, rank.rank, points) for key, points in shown]))
        if batch.log:
            job.seq += 1
            frames.append(_store_log(job, rank, batch))
    if keys:
        seal.seal_when_due(found[rank.rank], rank.attempt)
        _show(job, rank, found[rank.rank], keys, found[0])
    if found:
        found[rank.rank].save(update_fields=["keys", "repeated", "late"])
    return frames


def _accept(job: Job, rank: Rank, head: Head, batch: Batch) -> Accepting:
    """Store what is new of the batch's points."""
    accepting = Accepting(rank.attempt, head, batch.number, job.seq)
    for reported in batch.frames:
        accepting.add(reported)
    accepting.finish()
    return accepting


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
