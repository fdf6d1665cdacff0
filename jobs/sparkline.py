"""The loss of jobs as lines so small that they need no axes, and the demo's curves: SVG drawn by the server."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from django.utils.translation import gettext as _

from jobs.metrics.pack import unpack
from jobs.models import Chunk, Frame, Job

POINTS = 60
WIDTH, HEIGHT = 96, 24
LOSS = ("train/loss", "eval/loss")
ACCURACY = ("train/accuracy", "eval/accuracy")
CURVE_POINTS = 150


@dataclass(frozen=True)
class Sparkline:
    path: str
    """the `points` of an SVG polyline in a box of WIDTH × HEIGHT"""
    words: str
    """the trend, for those who do not see the line"""
    width: int = WIDTH
    height: int = HEIGHT


def of(jobs: Iterable[Job]) -> dict[int, Sparkline]:
    """`{job id: line}` of the loss on the first rank, in two queries; a job with fewer than two points has none."""
    found = values_of([job.pk for job in jobs], LOSS)
    return {number: _line(reduced(values)) for number, values in found.items() if len(values) > 1}


def curves(job: Job) -> dict[str, str]:
    """`points` of polylines in a box of 300 × 100: how loss and accuracy went. What has no points is left out."""
    found = {}
    for name, keys in {"loss": LOSS, "accuracy": ACCURACY}.items():
        values = reduced(values_of([job.pk], keys).get(job.pk, []), CURVE_POINTS)
        if len(values) > 1:
            high = 1.0 if name == "accuracy" else max(values) or 1.0
            found[name] = _path([value / high for value in values], 300, 100)
    return found


def values_of(numbers: list[int], keys: tuple[str, ...]) -> dict[int, list[float]]:
    """Values of the first of `keys` that a job has, in order of steps: the extremes that sealed chunks keep, then what
    is not sealed yet.
    """
    found: dict[str, dict[int, list[float]]] = {key: {} for key in keys}
    chunks = Chunk.objects.filter(job__in=numbers, rank=0, key__in=keys).order_by("job", "first_step")
    for number, key, summary in chunks.values_list("job_id", "key", "summary"):
        found[key].setdefault(number, []).extend(summary["sketch"][2])
    frames = Frame.objects.filter(job__in=numbers, rank=0).order_by("job", "attempt__number", "seq", "group")
    for number, columns, count, data in frames.values_list("job_id", "keys", "count", "data"):
        if wanted := [key for key in keys if key in columns]:
            points = unpack(bytes(data), count, columns)
            for key in wanted:
                found[key].setdefault(number, []).extend(filter(isfinite, points[key].values.tolist()))
    first_known: dict[int, list[float]] = {}
    for key in reversed(keys):
        first_known |= found[key]
    return first_known


def reduced(values: list[float], most: int = POINTS) -> list[float]:
    """At most `most` values: the mean of each equal part."""
    if len(values) <= most:
        return values
    cuts = [len(values) * index // most for index in range(most + 1)]
    return [sum(values[low:high]) / (high - low) for low, high in pairwise(cuts)]


def _line(values: list[float]) -> Sparkline:
    low, high = min(values), max(values)
    span = (high - low) or 1
    return Sparkline(_path([(value - low) / span for value in values], WIDTH, HEIGHT), _trend(values))


def _path(shares: list[float], width: int, height: int) -> str:
    """Points for shares of the height, 0 at the bottom, with a pixel of room above and below."""
    step = width / (len(shares) - 1)
    return " ".join(
        f"{index * step:.1f},{1 + (height - 2) * (1 - min(max(share, 0), 1)):.1f}" for index, share in enumerate(shares)
    )


def _trend(values: list[float]) -> str:
    first, last = values[0], values[-1]
    if last < first * 0.98:
        return _("Loss falls")
    return _("Loss rises") if last > first * 1.02 else _("Loss stays level")
