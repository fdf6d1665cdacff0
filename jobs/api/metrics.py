"""`/api/v1/jobs/{id}/metrics/`: the points of a job, reduced for a chart or all of them."""

from collections.abc import Iterator
from typing import Any

from django.http import JsonResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.views import APIView

from jobs.api import shapes
from jobs.api.lookup import find
from jobs.api.metric_request import FORMATS, LARGEST, MetricRequest
from jobs.api.streaming import stream
from jobs.metrics import export, read, reduce, smooth
from jobs.metrics.points import Points, series_json, to_json
from jobs.metrics.read import Series, Wanted

PARAMETERS = [
    OpenApiParameter("key", str, many=True, description="metric key; `*` stands for any characters"),
    OpenApiParameter("rank", int, many=True),
    OpenApiParameter("after", int, description="only what was stored after this `cursor`"),
    OpenApiParameter("max_points", int, description="points a series, 0 = all; default 1000 (json), 0 (csv, parquet)"),
    OpenApiParameter("fmt", str, enum=FORMATS),
    OpenApiParameter("first_step", int, description="zoom: from this step"),
    OpenApiParameter("last_step", int, description="zoom: to this step"),
    OpenApiParameter("smooth", float, description="weight of the moving average, 0 to 0.99"),
]
RESPONSES = {
    200: shapes.MetricsSerializer,
    (200, "text/csv"): OpenApiTypes.STR,
    (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
}


class Metrics(APIView):
    """Points of a job's series. `cursor` and `after` are the job's `seq`."""

    @extend_schema(parameters=PARAMETERS, responses=RESPONSES)
    def get(self, request: Any, pk: str) -> HttpResponseBase:
        job = find(request, pk)
        asked = MetricRequest.of(request.query_params)
        wanted = Wanted(job.pk, asked.keys, asked.ranks)
        if asked.fmt == "csv":
            return stream(request, export.csv_pieces(_pieces(wanted, asked)), "text/csv", f"job-{job.pk}-metrics.csv")
        if asked.fmt == "parquet":
            body = export.parquet_pieces(_pieces(wanted, asked))
            return stream(request, body, "application/vnd.apache.parquet", f"job-{job.pk}-metrics.parquet")
        if not asked.max_points and not asked.zoomed and asked.after is None and not asked.smooth:
            return stream(request, export.json_pieces(wanted, job.seq), "application/json")
        return JsonResponse({"series": _series(wanted, asked), "cursor": job.seq}, json_dumps_params=COMPACT)


COMPACT = {"separators": (",", ":"), "allow_nan": False}


def _pieces(wanted: Wanted, asked: MetricRequest) -> Iterator[export.Piece]:
    """For files: everything a chunk at a time, or what a chart would show."""
    if not asked.max_points and not asked.zoomed and asked.after is None:
        yield from read.exact(wanted)
        return
    for (rank, key), one in _chosen(wanted, asked).items():
        yield rank, key, one.points


def _chosen(wanted: Wanted, asked: MetricRequest) -> dict[Series, reduce.Reduced]:
    if asked.zoomed:
        last = LARGEST if asked.last_step is None else asked.last_step
        return reduce.zoom(wanted, asked.first_step or 0, last, asked.max_points)
    if asked.after is not None:
        found = read.stored_after(wanted, asked.after)
        return {series: reduce.reduced(points, asked.max_points) for series, points in found.items()}
    return reduce.overview(wanted, asked.max_points)


def _series(wanted: Wanted, asked: MetricRequest) -> list[dict[str, Any]]:
    totals = read.totals(wanted)
    answer = []
    for (rank, key), one in sorted(_chosen(wanted, asked).items(), key=lambda item: (item[0][1], item[0][0])):
        series = series_json(key, rank, one.points) | {
            "total_points": totals.get((rank, key), len(one.points)),
            "not_finite": one.not_finite,
            "not_finite_total": one.not_finite_total,
        }
        if asked.smooth and not key.startswith("eval/"):
            series["smoothed"] = _smoothed(wanted.job_id, rank, key, asked)
        answer.append(series)
    return answer


def _smoothed(job_id: int, rank: int, key: str, asked: MetricRequest) -> dict[str, Any]:
    """Worked out over the full series, then reduced to what is shown."""
    line, state = smooth.smoothed(read.whole(job_id, rank, key), asked.smooth)
    if asked.zoomed:
        last = LARGEST if asked.last_step is None else asked.last_step
        line = line.take((line.steps >= (asked.first_step or 0)) & (line.steps <= last))
    shown: Points = reduce.shaped(line, asked.max_points).points
    columns = series_json(key, rank, shown)
    going_on = {"average": to_json(state.average), "count": state.count, "weight": state.weight}
    return {name: columns[name] for name in ("steps", "values", "times")} | {"state": going_on}
