"""The newest points of a chart as rows, for readers whose browser draws no chart."""

from typing import Any

from django.utils.translation import gettext as _

from config.formats import metric
from jobs.metrics import read
from jobs.metrics.read import Wanted
from jobs.models import Job

STEPS = 50


def of(job: Job, keys: list[str], names: dict[int, str]) -> dict[str, Any]:
    """`{"columns": [words], "rows": [{"step", "values"}]}`, newest first. `names`: {rank: name of its device}."""
    found = read.in_range(Wanted(job.pk, keys), max(0, job.step - STEPS + 1), max(job.step, STEPS))
    series = sorted((name for name, points in found.items() if len(points)), key=lambda name: (name[1], name[0]))
    rows: dict[int, list[str]] = {}
    for column, (rank, key) in enumerate(series):
        points = found[rank, key]
        for step, value in zip(points.steps.tolist(), points.values.tolist(), strict=True):
            rows.setdefault(step, [""] * len(series))[column] = metric(value, key)
    titles = [_("%(key)s on %(device)s") % {"key": key, "device": names.get(rank, rank)} for rank, key in series]
    newest = sorted(rows, reverse=True)[:STEPS]
    return {"columns": titles, "rows": [{"step": step, "values": rows[step]} for step in newest]}
