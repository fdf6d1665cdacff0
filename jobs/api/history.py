"""What a job leaves: `/transitions/`, `/checkpoints/`, `/logs/`, `/artifacts/`, `/evaluations/`, `/export/`."""

from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from contract.problems import Invalid, Problem, gettext_noop
from jobs import export_zip, file_store, history
from jobs.api import download, shapes
from jobs.api.lookup import find, only
from jobs.api.streaming import stream
from jobs.models import Artifact, LogRow

PAGE = ("page", "page_size")


class Transitions(GenericAPIView):
    """Every step in the job's life, in order."""

    @extend_schema(responses=shapes.TransitionSerializer(many=True))
    def get(self, request: Any, pk: str) -> Response:
        only(request, *PAGE)
        page = self.paginate_queryset(history.transitions_of(find(request, pk)))
        return self.get_paginated_response([history.transition_json(row) for row in page])


class Checkpoints(GenericAPIView):
    """States from which the job can go on."""

    @extend_schema(responses=shapes.CheckpointSerializer(many=True))
    def get(self, request: Any, pk: str) -> Response:
        only(request, *PAGE)
        return self.get_paginated_response(self.paginate_queryset(history.checkpoints_of(find(request, pk))))


class Logs(GenericAPIView):
    """Log lines in order; a page holds the lines of `page_size` batches of lines."""

    @extend_schema(
        parameters=[OpenApiParameter("rank", int), OpenApiParameter("after", int, description="a `seq`")],
        responses=shapes.LogLineSerializer(many=True),
    )
    def get(self, request: Any, pk: str) -> Response:
        only(request, *PAGE, "rank", "after")
        rows = LogRow.objects.filter(job=find(request, pk)).order_by("seq")
        numbers = {name: _whole(request, name) for name in ("rank", "after") if name in request.query_params}
        if "rank" in numbers:
            rows = rows.filter(rank=numbers["rank"])
        rows = rows.filter(seq__gt=numbers.get("after", 0))
        page = [row.pk for row in self.paginate_queryset(rows)]
        return self.get_paginated_response(history.log_lines(LogRow.objects.filter(pk__in=page).order_by("seq")))


class Artifacts(GenericAPIView):
    """Files that the job left for you."""

    @extend_schema(responses=shapes.ArtifactSerializer(many=True))
    def get(self, request: Any, pk: str) -> Response:
        only(request, *PAGE)
        rows = [history.artifact_json(row) for row in history.shown_artifacts(find(request, pk))]
        return self.get_paginated_response(self.paginate_queryset(rows))


class ArtifactFile(APIView):
    """One artifact: what it is, or with `?download=1` the file."""

    @extend_schema(
        parameters=[OpenApiParameter("download", str, enum=["1"])],
        responses={200: shapes.ArtifactSerializer, (200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Any, pk: str, artifact: str) -> HttpResponseBase:
        only(request, "download")
        wants_file = request.query_params.get("download") == "1"
        job = find(request, pk, "download" if wants_file else "see")
        row = Artifact.objects.filter(job=job, pk=int(artifact)).select_related("attempt").first()
        if row is None or (wants_file and not history.is_here(row)):
            raise NotFound(_("There is nothing here that you may see."))
        if not wants_file:
            return Response(history.artifact_json(row), headers={"ETag": f'"{row.sha256}"'})
        return download.answer(request, file_store.path_of("artifacts", row.sha256), row.sha256, row.name)


class Evaluations(GenericAPIView):
    """What was measured of its artifacts, device by device."""

    @extend_schema(responses=shapes.EvaluationSerializer(many=True))
    def get(self, request: Any, pk: str) -> Response:
        only(request, *PAGE)
        return self.get_paginated_response(self.paginate_queryset(history.evaluations_of(find(request, pk))))


class Export(APIView):
    """One zip: job.json, metrics.parquet, metrics.csv, evaluations.json, report.html and the model files."""

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Any, pk: str) -> HttpResponseBase:
        only(request)
        job = find(request, pk, "download")
        return stream(request, export_zip.pieces(job), "application/zip", f"job-{job.pk}.zip")


def _whole(request: Any, name: str) -> int:
    text = request.query_params[name]
    if not text.isascii() or not text.isdecimal() or len(text) > 16:
        raise Invalid([Problem(name, gettext_noop("Expected a whole number from 0."))])
    return int(text)
