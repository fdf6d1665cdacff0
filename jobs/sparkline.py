"""The loss of a job as a line so small that it needs no axes: at most 60 points, drawn as SVG by the server."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext as _

from jobs.metrics import read
from jobs.models import Chunk, Job

POINTS = 60
WIDTH, HEIGHT = 96, 24
KEYS = ("train/loss", "eval/loss")


@dataclass(frozen=True)
class Sparkline:
    path: str
    """the `points` of an SVG polyline in a box of WIDTH × HEIGHT"""
    words: str
    """the trend, for those who do not see the line"""
    width: int = WIDTH
    height: int = HEIGHT


def of(job: Job) -> Sparkline | None:
    """The loss on the first rank; None while there are no two points."""
    values = reduced(loss_of(job))
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    span = (high - low) or 1
    step = WIDTH / (len(values) - 1)
    places = (
        f"{index * step:.1f},{1 + (HEIGHT - 2) * (1 - (value - low) / span):.1f}" for index, value in enumerate(values)
    )
    return Sparkline(" ".join(places), _trend(values))


def curves(job: Job) -> dict[str, str]:
    """`points` of polylines in a box of 300 × 100: how loss and accuracy went. What has no points is left out."""
    found = {}
    for name, keys in {"loss": KEYS, "accuracy": ("train/accuracy", "eval/accuracy")}.items():
        values = reduced(_values(job, keys), 150)
        if len(values) > 1:
            high = 1.0 if name == "accuracy" else max(values) or 1.0
            places = (
                f"{300 * index / (len(values) - 1):.1f},{99 - 98 * max(value, 0) / high:.1f}"
                for index, value in enumerate(values)
            )
            found[name] = " ".join(places)
    return found


def loss_of(job: Job) -> list[float]:
    return _values(job, KEYS)


def _values(job: Job, keys: Iterable[str]) -> list[float]:
    """Values in order of steps: the extremes that sealed chunks keep, then what is not sealed yet."""
    for key in keys:
        sketches = (
            Chunk.objects.filter(job=job, rank=0, key=key).order_by("first_step").values_list("summary", flat=True)
        )
        values = [value for summary in sketches for value in summary["sketch"][2]]
        for points in read.open_points(read.Wanted(job.pk, [key], [0])).get((0, key), []):
            values += [value for value in points.values.tolist() if value == value and abs(value) != float("inf")]
        if values:
            return values
    return []


def reduced(values: list[float], most: int = POINTS) -> list[float]:
    """At most `most` values: the mean of each equal part."""
    if len(values) <= most:
        return values
    cuts = [len(values) * index // most for index in range(most + 1)]
    return [sum(values[low:high]) / (high - low) for low, high in pairwise(cuts)]


def _trend(values: list[float]) -> str:
    first, last = values[0], values[-1]
    if last < first * 0.98:
        return _("Loss falls")
    return _("Loss rises") if last > first * 1.02 else _("Loss stays level")
