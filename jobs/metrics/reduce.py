"""Fewer points for a chart, with every extreme kept: what is drawn reaches as high and as low as what is stored."""

from dataclasses import dataclass, field

import numpy as np
from tsdownsample import MinMaxDownsampler, MinMaxLTTBDownsampler

from jobs.metrics import chunks, read
from jobs.metrics.points import Points, joined, kinds_of
from jobs.metrics.read import Series, Wanted
from jobs.models import Chunk

POINTS_PER_CHUNK = 2 * chunks.SKETCH_PARTS


@dataclass(frozen=True)
class Reduced:
    """Points to draw (finite ones only, unless all are there) and what cannot be drawn: `[[step, kind], …]`."""

    points: Points
    not_finite: list[list] = field(default_factory=list)
    not_finite_total: int = 0


def overview(wanted: Wanted, max_points: int) -> dict[Series, Reduced]:
    """Each series from its first to its last point. Long ones come from the summaries of their chunks."""
    totals = read.totals(wanted)
    opened = read.open_points(wanted)
    summaries = _summaries(wanted)
    found = {}
    for series, total in totals.items():
        of_series = summaries.get(series, [])
        if total <= max_points or len(of_series) * POINTS_PER_CHUNK < max_points // 2:
            found[series] = reduced(read.whole(wanted.job_id, *series), max_points)
        else:
            found[series] = _from_summaries(of_series, joined(opened.get(series, [])), max_points)
    return found


def zoom(wanted: Wanted, first_step: int, last_step: int, max_points: int) -> dict[Series, Reduced]:
    """Each series between two steps, ends included, reduced to its visual shape (MinMaxLTTB)."""
    inside = read.in_range(wanted, first_step, last_step)
    return {series: shaped(points, max_points) for series, points in inside.items()}


def reduced(points: Points, max_points: int) -> Reduced:
    """Smallest and largest of each of `max_points / 2` parts of equally many points."""
    if max_points == 0 or len(points) <= max_points:
        return _all_of(points)
    finite, kinds = _finite(points)
    return Reduced(_extremes(finite, max_points), kinds, len(kinds))


def shaped(points: Points, max_points: int) -> Reduced:
    """`max_points` points that draw the same line to the eye, with the highest and the lowest among them."""
    if max_points == 0 or len(points) <= max_points:
        return _all_of(points)
    finite, kinds = _finite(points)
    if len(finite) <= max_points:
        return Reduced(finite, kinds, len(kinds))
    chosen = MinMaxLTTBDownsampler().downsample(finite.steps, finite.values, n_out=max(4, max_points - 2))
    ends = [int(np.argmin(finite.values)), int(np.argmax(finite.values))]
    return Reduced(finite.take(np.union1d(chosen, ends).astype(np.int64)), kinds, len(kinds))


def _summaries(wanted: Wanted) -> dict[Series, list[dict]]:
    rows = Chunk.objects.filter(job_id=wanted.job_id).order_by("rank", "key", "first_step")
    if wanted.ranks:
        rows = rows.filter(rank__in=wanted.ranks)
    literal = [key for key in wanted.keys if not set(key) & set("*?[")]
    if literal and len(literal) == len(wanted.keys):
        rows = rows.filter(key__in=literal)
    found: dict[Series, list[dict]] = {}
    for rank, key, summary in rows.values_list("rank", "key", "summary"):
        if wanted.has(rank, key):
            found.setdefault((rank, key), []).append(summary)
    return found


def _from_summaries(summaries: list[dict], opened: Points, max_points: int) -> Reduced:
    columns = ([value for one in summaries for value in one["sketch"][column]] for column in range(3))
    usable, kinds = _finite(opened)
    candidates = joined([Points.of(*columns), usable])
    named = [entry for one in summaries for entry in one["not_finite"]] + kinds
    total = sum(one["not_finite_count"] for one in summaries) + len(kinds)
    return Reduced(_extremes(candidates, max_points), named, total)


def _extremes(points: Points, max_points: int) -> Points:
    if len(points) <= max_points:
        return points
    chosen = MinMaxDownsampler().downsample(points.values, n_out=max(4, max_points - max_points % 2 - 2))
    ends = [0, len(points) - 1]
    return points.take(np.union1d(chosen, ends).astype(np.int64))


def _all_of(points: Points) -> Reduced:
    kinds = _finite(points)[1]
    return Reduced(points, kinds, len(kinds))


def _finite(points: Points) -> tuple[Points, list[list]]:
    finite = np.isfinite(points.values)
    if finite.all():
        return points, []
    return points.take(finite), kinds_of(points)
