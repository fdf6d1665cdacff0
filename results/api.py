"""`/api/v1/results/` and `/api/v1/evaluations/`."""

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import conditional
from accounts.audit import address_of
from accounts.idempotency import once
from accounts.permissions import require, visible
from contract.problems import Invalid, Problem, gettext_noop
from devices import queries as devices
from jobs.api import prediction_shapes
from jobs.api.lookup import only
from jobs.api.predict import predicted
from jobs.models import Job
from results import api_schema, measured, measuring, queries, services, suites
from results.measuring import Question
from results.models import ResultVersion, Stage

FILTERS = ("task", "stage", "search")
WEIGHTS = "model.safetensors"
FIELDS = ("result", "version", "job", "artifact", "checkpoint", "dataset", "split", "devices", "suites", "foreign")


class Results(GenericAPIView):
    """Models that jobs left, by name, newest first."""

    @extend_schema(
        parameters=[OpenApiParameter(name) for name in FILTERS], responses=api_schema.ResultSerializer(many=True)
    )
    def get(self, request: Any) -> Response:
        only(request, "page", "page_size", *FILTERS)
        page = self.paginate_queryset(queries.filtered(request.user, request.query_params))
        return self.get_paginated_response([queries.result_json(row, queries.newest(row)) for row in page])


class ResultDetail(GenericAPIView):
    """Every version of one result, newest first."""

    @extend_schema(operation_id="result_versions_list", responses=api_schema.ResultVersionSerializer(many=True))
    def get(self, request: Any, slug: str) -> Response:
        only(request, "page", "page_size")
        found = queries.versions_of(request.user).filter(result__slug=slug)
        if not found.exists():
            raise Http404
        return self.get_paginated_response([queries.version_json(row) for row in self.paginate_queryset(found)])


class Version(APIView):
    """One version: what it is made from, what devices measured, its files, its card."""

    @extend_schema(responses=api_schema.ResultVersionSerializer)
    def get(self, request: Any, slug: str, number: int) -> Response:
        only(request)
        return _answer(_version(request, slug, number))

    @extend_schema(request=api_schema.ResultVersionChangeSerializer, responses=api_schema.ResultVersionSerializer)
    def patch(self, request: Any, slug: str, number: int) -> Response:
        """`stage` with its `reason` (approving needs an admin), and `card`. `If-Match` takes the `ETag` of a GET."""
        version = _version(request, slug, number)
        body = conditional.fields_of(request.data, ("stage", "reason", "card"))
        approves = Stage.APPROVED in (body.get("stage"), version.stage if "stage" in body else "")
        require(request.user, "approve" if approves else "change", version, token=request.auth)
        conditional.check_unchanged(request, _tag(version))
        told: dict[str, Any] = {"via": "api", "address": address_of(request)}
        if "card" in body:
            services.set_card(version, body["card"], request.user, **told)
        if "stage" in body:
            services.set_stage(version, body["stage"], body.get("reason", ""), request.user, **told)
        return _answer(version)


class Predict(APIView):
    """Try a version on one input."""

    @extend_schema(
        request=prediction_shapes.QuestionSerializer,
        responses={200: prediction_shapes.PredictionSerializer, 202: prediction_shapes.PredictionSerializer},
    )
    def post(self, request: Any, slug: str, number: int) -> Response:
        """As `/jobs/{id}/predict/` of the job that made it."""
        version = _version(request, slug, number)
        require(request.user, "run", version, token=request.auth)
        return predicted(request, version.job)


class Measurements(GenericAPIView):
    """Artifacts measured on devices; POST asks for more."""

    @extend_schema(
        parameters=[OpenApiParameter("result"), OpenApiParameter("job", int), OpenApiParameter("device")],
        responses=api_schema.MeasurementSerializer(many=True),
    )
    def get(self, request: Any) -> Response:
        only(request, "page", "page_size", "result", "job", "device")
        rows = visible(request.user, measured.kept().filter(job__removed_at=None), "job__project")
        named = {"result": "job__result_version__result__slug", "job": "job", "device": "device__slug"}
        for name, path in named.items():
            if name in request.query_params:
                rows = rows.filter(**{path: _typed(name, request.query_params[name])})
        return self.get_paginated_response([measured.measurement_json(row) for row in self.paginate_queryset(rows)])

    @extend_schema(
        request=api_schema.NewMeasurementSerializer, responses={202: api_schema.MeasurementSerializer(many=True)}
    )
    @once
    def post(self, request: Any) -> HttpResponseBase:
        """Run one artifact or `checkpoint` of a job over a split of its data, or of another `dataset`, on devices; each
        measures the `suites` when it is free."""
        body = conditional.fields_of(request.data, FIELDS)
        job = _asked_for(request, body)
        require(request.user, "run", job, token=request.auth)
        if "artifact" in body and "checkpoint" in body:
            raise Invalid([Problem("checkpoint", gettext_noop("Name an 'artifact' or a 'checkpoint', not both."))])
        question = Question(
            artifact=body.get("artifact", WEIGHTS),
            checkpoint=body.get("checkpoint"),
            dataset=body.get("dataset", ""),
            split=body.get("split", job.spec["evaluation"]["split"]),
            devices=body.get("devices", online()),
            suites=body.get("suites", list(suites.DEFAULT)),
            foreign=body.get("foreign", ""),
        )
        rows = measuring.measure(job, question, request.user, via="api", address=address_of(request))
        return Response([measured.measurement_json(row) for row in rows], status=202)


def online() -> list[str]:
    """Slugs of the devices that can measure now."""
    return list(devices.online().values_list("slug", flat=True))


def _version(request: Any, slug: str, number: int) -> ResultVersion:
    found = queries.versions_of(request.user).filter(result__slug=slug, number=number).first()
    if found is None:
        raise Http404
    return found


def _asked_for(request: Any, body: dict[str, Any]) -> Job:
    """The job, which may still run; or the one that made a version."""
    if type(body.get("job")) is int:
        return get_object_or_404(visible(request.user, Job.objects.filter(pk=body["job"], removed_at=None)))
    if not isinstance(body.get("result"), str):
        raise Invalid([Problem("result", gettext_noop("Name a 'result' (and 'version'), or the 'job' that made it."))])
    rows = queries.versions_of(request.user).filter(result__slug=body["result"])
    rows = rows.filter(number=body["version"]) if type(body.get("version")) is int else rows
    found = rows.order_by("-number").first()
    if found is None:
        raise Http404
    return found.job


def _typed(name: str, text: str) -> Any:
    if name != "job":
        return text
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Invalid([Problem(name, gettext_noop("Expected a whole number from 0."))])
    return int(text)


def _tag(version: ResultVersion) -> str:
    return conditional.tag_of({"stage": version.stage, "reason": version.stage_reason, "card": version.card})


def _answer(version: ResultVersion) -> Response:
    return Response(queries.version_json(version), headers={"ETag": _tag(version)})
