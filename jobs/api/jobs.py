"""`/api/v1/jobs/`: list, submit, look at, change, remove, and the verbs."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import conditional
from accounts.audit import address_of
from accounts.idempotency import once
from accounts.permissions import require
from config.rest import Conflict
from contract.problems import Invalid, gettext_noop, unknown
from jobs import listing, preflight, queries, services
from jobs.api import shapes
from jobs.api.lookup import find
from jobs.models import Job
from jobs.planning import plan, reasons
from jobs.services import submitting
from jobs.services.changing import CHANGEABLE

LIST_PARAMETERS = [
    OpenApiParameter("state", str, many=True),
    OpenApiParameter("owner", str, many=True),
    OpenApiParameter("dataset", str, many=True),
    OpenApiParameter("project", str, many=True),
    OpenApiParameter("tag", str),
    OpenApiParameter("search", str),
    OpenApiParameter("archived", bool),
    OpenApiParameter("demo", bool),
    OpenApiParameter("ordering", str, description=f"{', '.join(listing.ORDERS)}, or a metric key; `-` before it turns"),
]
RETRY_FROM = ("checkpoint", "start")


class Jobs(viewsets.GenericViewSet):
    """Requests to fine-tune one model."""

    queryset = Job.objects.all()
    serializer_class = shapes.JobSerializer
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(parameters=LIST_PARAMETERS, responses=shapes.JobRowSerializer(many=True))
    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(listing.jobs_of(request.user, request.query_params))
        return self.get_paginated_response(queries.rows(page))

    @extend_schema(request=shapes.JobSpecSerializer, responses={201: shapes.JobSerializer})
    @once
    def create(self, request: Any) -> HttpResponseBase:
        require(request.user, "run", token=request.auth)
        job = services.submit(request.user, request.data, via="api", address=address_of(request))
        return _answer(_again(job), status=201)

    def retrieve(self, request: Any, pk: str) -> HttpResponseBase:
        return _answer(find(request, pk))

    @extend_schema(request=shapes.JobChangeSerializer, responses=shapes.JobSerializer)
    def partial_update(self, request: Any, pk: str) -> HttpResponseBase:
        """Name, tags, priority, archived. `If-Match` takes the `ETag` of a GET: 412 when changed meanwhile."""
        job = find(request, pk, "change")
        fields = conditional.fields_of(request.data, CHANGEABLE)
        if type(fields.get("priority")) is int and fields["priority"] > max(0, job.priority):
            require(request.user, "prioritise", job, token=request.auth)
        with transaction.atomic():
            row = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
            conditional.check_unchanged(request, _tag(row))
            services.change(row, request.user, via="api", address=address_of(request), **fields)
        return _answer(_again(job))

    @extend_schema(responses={204: OpenApiResponse(description="hidden; later 410")})
    def destroy(self, request: Any, pk: str) -> Response:
        _do(services.remove, find(request, pk, "change"), request)
        return Response(status=204)

    @extend_schema(request=shapes.CancelSerializer, responses=shapes.JobSerializer)
    @action(detail=True, methods=["post"])
    @once
    def cancel(self, request: Any, pk: str) -> HttpResponseBase:
        """Stop it; forced: at once."""
        job = find(request, pk, "change")
        body = conditional.fields_of(request.data, ("force",))
        conditional.expect(body, "force", bool, gettext_noop("Expected true or false."))
        _do(services.cancel, job, request, force=body.get("force", False))
        return _answer(_again(job))

    @extend_schema(request=shapes.RetrySerializer, responses=shapes.JobSerializer)
    @action(detail=True, methods=["post"])
    @once
    def retry(self, request: Any, pk: str) -> HttpResponseBase:
        """Try an ended job again, from its newest checkpoint or from the start."""
        job = find(request, pk, "change")
        body = conditional.fields_of(request.data, ("from",))
        if body.get("from", "checkpoint") not in RETRY_FROM:
            raise Invalid([unknown("from", str(body["from"]), RETRY_FROM)])
        _do(services.retry, job, request, start=body.get("from") == "start")
        return _answer(_again(job))

    @extend_schema(request=None, responses={201: shapes.JobSerializer})
    @action(detail=True, methods=["post"])
    @once
    def clone(self, request: Any, pk: str) -> HttpResponseBase:
        """The same request again, as a job of yours."""
        job = find(request, pk)
        require(request.user, "run", job.project, token=request.auth)
        copy = services.clone(job, request.user, via="api", address=address_of(request))
        return _answer(_again(copy), status=201)

    @extend_schema(request=None, responses=shapes.JobSerializer)
    @action(detail=True, methods=["post"])
    @once
    def pause(self, request: Any, pk: str) -> HttpResponseBase:
        """Hold it: it keeps a checkpoint and its place."""
        job = find(request, pk, "change")
        _do(services.pause, job, request)
        return _answer(_again(job))

    @extend_schema(request=None, responses=shapes.JobSerializer)
    @action(detail=True, methods=["post"])
    @once
    def resume(self, request: Any, pk: str) -> HttpResponseBase:
        """Let a held, scheduled or delayed job start as soon as it can."""
        job = find(request, pk, "change")
        _do(services.resume, job, request)
        return _answer(_again(job))


class Preflight(APIView):
    """Every check of a job spec, and one real batch on each device. No job comes of it."""

    @extend_schema(request=shapes.JobSpecSerializer, responses=shapes.PreflightSerializer)
    def post(self, request: Any) -> Response:
        require(request.user, "run", token=request.auth)
        rows = preflight.preflight(request.user, request.data)
        ok = all(row["ok"] is True for row in rows)
        return Response({"ok": ok, "checks": rows, "forecast": _forecast(request)})


def _forecast(request: Any) -> dict[str, Any] | None:
    """What the job would take, with what the preflight has just measured; None of a request that cannot be."""
    try:
        checked = submitting.check(request.user, request.data)
    except Invalid:
        return None
    return reasons.to_json(plan.of(checked.spec, checked.version, checked.steps))


def _do(verb: Callable[..., None], job: Job, request: Any, **arguments: Any) -> None:
    """Call a service; what it refuses is a 409 with its sentence."""
    try:
        verb(job, request.user, via="api", address=address_of(request), **arguments)
    except services.Refused as refused:
        raise Conflict(str(refused)) from refused


def _again(job: Job) -> Job:
    """The job as it stands now, with all its parts."""
    return queries.with_parts(Job.objects.filter(pk=job.pk)).get()


def _answer(job: Job, status: int = 200) -> Response:
    return Response(queries.job_json(job), status=status, headers={"ETag": _tag(job)})


def _tag(job: Job) -> str:
    return conditional.tag_of({name: getattr(job, name) for name in CHANGEABLE})
