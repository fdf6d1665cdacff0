"""Heads: per (job, rank) the last point and the count of each key. What lists and `summary` show comes from them."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from jobs.metrics.pack import unpack
from jobs.metrics.points import Points, from_json, to_json
from jobs.models import Chunk, Frame, Head, Job, Latest

Keys = dict[str, dict[str, Any]]
"""{key: {"step", "time", "value", "count", "open"}}; `open` counts the points that lie in frames."""


def lock(job_id: int, ranks: Iterable[int]) -> dict[int, Head]:
    """The heads of `ranks`, locked until the transaction ends; made when they are not there yet."""
    ranks = set(ranks)
    heads = {head.rank: head for head in Head.objects.select_for_update().filter(job_id=job_id, rank__in=ranks)}
    for rank in ranks - heads.keys():
        heads[rank] = Head.objects.create(job_id=job_id, rank=rank)
    return heads


def mark(head: Head, key: str) -> int:
    """The highest step stored of `key`, or −1."""
    return head.keys[key]["step"] if key in head.keys else -1


def advance(keys: Keys, key: str, points: Points) -> None:
    """Note points that were added to frames; their last one is the series' last when it lies beyond it."""
    known = keys.setdefault(key, {"step": -1, "time": 0, "value": 0.0, "count": 0, "open": 0})
    known["count"] += len(points)
    known["open"] += len(points)
    if int(points.steps[-1]) >= known["step"]:
        last = {"step": points.steps[-1], "time": points.times[-1]}
        known |= {name: int(value) for name, value in last.items()} | {"value": to_json(float(points.values[-1]))}


def rebuilt(job_id: int) -> dict[int, Keys]:
    """The heads as chunks and frames say they must be; frames that wait for a withdrawal are left out."""
    found: dict[int, Keys] = {}
    chunks = Chunk.objects.filter(job_id=job_id).order_by("first_step")
    for rank, key, count, summary in chunks.values_list("rank", "key", "count", "summary").iterator():
        step, time, value = summary["last"]
        keys = found.setdefault(rank, {})
        advance(keys, key, Points.of([step], [time], [from_json(value)]))
        keys[key]["count"] += count - 1
        keys[key]["open"] = 0
    for rank, names, count, data in counted_frames(job_id).values_list("rank", "keys", "count", "data").iterator():
        for key, points in unpack(bytes(data), count, names).items():
            advance(found.setdefault(rank, {}), key, points)
    return found


def stored(job_id: int) -> dict[int, Keys]:
    """The heads as they are, to be held against `rebuilt`. PostgreSQL gives large floats back as whole numbers."""
    found = {}
    for rank, keys in Head.objects.filter(job_id=job_id).values_list("rank", "keys"):
        found[rank] = {key: known | {"value": to_json(from_json(known["value"]))} for key, known in keys.items()}
    return found


def counted_frames(job_id: int) -> QuerySet[Frame]:
    """Frames whose points are part of the job's series: all but those that wait for their attempt's withdrawal."""
    return Frame.objects.filter(Q(attempt__number=1) | Q(attempt__withdrawn_seq__gt=0), job_id=job_id)


def rebuild(job_id: int) -> None:
    """Write heads, `Latest` and the job's summary anew from what is stored; counters of repeats are kept."""
    found = rebuilt(job_id)
    heads = lock(job_id, found.keys() | set(Head.objects.filter(job_id=job_id).values_list("rank", flat=True)))
    for rank, head in heads.items():
        head.keys = found.get(rank, {})
        head.save(update_fields=["keys"])
    summary = summary_of(found)
    Job.objects.filter(pk=job_id).update(summary=summary)
    Latest.objects.filter(job_id=job_id).delete()
    keep_latest(job_id, summary)


def summary_of(keys_of_rank: Mapping[int, Keys]) -> dict[str, float | str]:
    """Last value per key: of the lowest rank that reports it."""
    summary: dict[str, float | str] = {}
    for rank in sorted(keys_of_rank, reverse=True):
        summary |= {key: known["value"] for key, known in keys_of_rank[rank].items()}
    return summary


def keep_latest(job_id: int, values: Mapping[str, float | str]) -> None:
    """Upsert the rows by which lists sort. What is not finite has no place in an order, and no row."""
    finite = {key: float(value) for key, value in values.items() if not isinstance(value, str)}
    rows = [Latest(job_id=job_id, key=key, value=value) for key, value in finite.items() if math.isfinite(value)]
    Latest.objects.bulk_create(rows, update_conflicts=True, unique_fields=["job", "key"], update_fields=["value"])
    if len(rows) < len(values):
        Latest.objects.filter(job_id=job_id, key__in=values.keys() - finite.keys()).delete()
