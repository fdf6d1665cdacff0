"""`report.html` of an export: one file that needs no other, for a reader without the server."""

from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from jobs import history, queries, task_metrics
from jobs.metrics import reduce
from jobs.metrics.points import Points
from jobs.metrics.read import Wanted
from jobs.models import Job
from jobs.sparkline import polyline

COLOURS = ("#3F8DF1", "#B68353", "#136D54", "#CD3191", "#604C00", "#067CAA", "#5430B6", "#353E47")
WIDTH, HEIGHT, POINTS = 640, 200, 400
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#17202A}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #D3DAE1;padding:.25rem .75rem;text-align:left}"
    "svg{background:#F6F8FA;width:100%;height:auto}"
)


def html(job: Job) -> str:
    """The whole page."""
    body = [
        format_html("<h1>#{} {}</h1><p>{}</p>", job.pk, job.name, queries.job_row(job)["state_line"]["text"]),
        _table(_("Result"), sorted(job.summary.items())),
        _evaluations(job),
        *_charts(job),
        _table(_("Settings"), _flat(job.spec)),
        _table(_("Files"), [(row.name, row.sha256 or row.error) for row in history.shown_artifacts(job)]),
    ]
    head = format_html(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{}</title><style>{}</style></head><body>',
        f"#{job.pk} {job.name}",
        mark_safe(STYLE),  # noqa: S308 - our own constant
    )
    return "".join([head, *body, "</body></html>"])


def _table(title: str, rows: list[tuple[str, Any]]) -> str:
    if not rows:
        return ""
    cells = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", rows)
    return format_html("<h2>{}</h2><table>{}</table>", title, cells)


def _evaluations(job: Job) -> str:
    rows = [
        (
            f"{row['device']} · {row['split']} · {row['artifact']}",
            ", ".join(f"{k} {v}" for k, v in row["metrics"].items()),
        )
        for row in history.evaluations_of(job)
    ]
    return _table(_("Evaluations"), rows)


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in _flat(inner, f"{path}.{key}".strip("."))]
    return [(path, value)]


def _charts(job: Job) -> list[str]:
    keys = [key for chart in task_metrics.charts(job) for key in chart["keys"].split()]
    found = reduce.overview(Wanted(job.pk, keys), POINTS)
    charts = []
    for key in keys:
        lines = [(rank, one.points) for (rank, name), one in found.items() if name == key and len(one.points) > 1]
        if lines:
            charts.append(_chart(key, lines))
    return charts


def _chart(key: str, lines: list[tuple[int, Points]]) -> str:
    low = min(float(points.values.min()) for _rank, points in lines)
    high = max(float(points.values.max()) for _rank, points in lines)
    first = min(int(points.steps[0]) for _rank, points in lines)
    last = max(int(points.steps[-1]) for _rank, points in lines)
    drawn = format_html_join(
        "",
        '<polyline fill="none" stroke="{}" stroke-width="1.5" points="{}"/>',
        ((COLOURS[rank % 8], _path(points, (first, last), (low, high))) for rank, points in lines),
    )
    caption = _("%(key)s: %(low).4g to %(high).4g, steps %(first)s to %(last)s, one line per rank")
    words = caption % {"key": key, "low": low, "high": high, "first": first, "last": last}
    return format_html(
        '<figure><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg><figcaption>{}</figcaption></figure>',
        WIDTH,
        HEIGHT,
        words,
        drawn,
        words,
    )


def _path(points: Points, steps: tuple[int, int], values: tuple[float, float]) -> str:
    pairs = zip(points.steps.tolist(), points.values.tolist(), strict=True)
    return polyline(pairs, steps, values, (WIDTH, HEIGHT))
