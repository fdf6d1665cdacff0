"""`/api/v1/evaluations/{id}/` and the samples behind its numbers."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import require, visible
from contract.problems import Invalid, Problem, gettext_noop, unknown
from jobs.api.lookup import only
from results import api_schema, measured, samples, slices
from results.answers import ORDERS, Wanted
from results.models import Measurement

NUMBERS = ("true", "said", "page")


class MeasurementDetail(APIView):
    """One measurement: how far it is, what came out, or why nothing did."""

    @extend_schema(responses=api_schema.MeasurementSerializer)
    def get(self, request: Any, number: int) -> Response:
        only(request)
        return Response(measured.measurement_json(_measurement(request, number)))


class Samples(APIView):
    """The samples of a measurement with what the model answered, 24 a page, the highest loss first."""

    @extend_schema(
        parameters=[
            OpenApiParameter("true", int, description="number of the true class"),
            OpenApiParameter("said", int, description="number of the answered class"),
            OpenApiParameter("order", enum=ORDERS),
            OpenApiParameter("page", int),
        ],
        responses=api_schema.SamplePageSerializer,
    )
    def get(self, request: Any, number: int) -> Response:
        only(request, *NUMBERS, "order")
        found = _measurement(request, number)
        require(request.user, "see_raw", found.dataset, token=request.auth)
        return Response(samples.page_of(found, _wanted(request.query_params)))


class Weakest(APIView):
    """Parts of the data (groups, sizes, lengths, values of columns) with the worst answers, each with its interval."""

    @extend_schema(responses=api_schema.WeakestSerializer)
    def get(self, request: Any, number: int) -> Response:
        only(request)
        found = _measurement(request, number)
        require(request.user, "see_raw", found.dataset, token=request.auth)
        return Response(slices.weakest(found))


def _wanted(query: Any) -> Wanted:
    order = query.get("order", ORDERS[0])
    problems = [] if order in ORDERS else [unknown("order", order, ORDERS)]
    found: dict[str, int | None] = {}
    for name in NUMBERS:
        text = query.get(name, "")
        found[name] = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
        if text and found[name] is None:
            problems.append(Problem(name, gettext_noop("Expected a whole number from 0.")))
    if problems:
        raise Invalid(problems)
    return Wanted(found["true"], found["said"], order, found["page"] or 1)


def _measurement(request: Any, number: int) -> Measurement:
    found = visible(request.user, measured.kept(), "job__project").filter(pk=number, job__removed_at=None).first()
    if found is None:
        raise Http404
    return found
