"""`/requirements/` of a model and of a version: what it has to keep, and whether it does."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import conditional
from accounts.audit import address_of
from accounts.permissions import require
from jobs import requirements
from jobs.api.lookup import only
from jobs.api.requirements import VerdictsSerializer, asked_for
from results import limits, queries
from results.models import Result


class RequirementsSerializer(serializers.Serializer):
    requirements = serializers.ListField(child=serializers.CharField())


class Requirements(APIView):
    """What every version of this model has to keep."""

    @extend_schema(responses=RequirementsSerializer)
    def get(self, request: Any, slug: str) -> Response:
        only(request)
        return _answer(_result(request, slug))

    @extend_schema(request=RequirementsSerializer, responses=RequirementsSerializer)
    def patch(self, request: Any, slug: str) -> Response:
        """State them anew. `If-Match` takes the `ETag` of a GET."""
        result = _result(request, slug)
        body = conditional.fields_of(request.data, ("requirements",))
        require(request.user, "change", result, token=request.auth)
        conditional.check_unchanged(request, _tag(result))
        texts = body.get("requirements", result.requirements)
        limits.set_requirements(result, texts, request.user, via="api", address=address_of(request))
        return _answer(result)


class Verdicts(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("limit", many=True, description="judge these too")], responses=VerdictsSerializer
    )
    def get(self, request: Any, slug: str, number: int) -> Response:
        """Each limit of the job and the model with what was measured, and the verdict over all of them."""
        version = queries.versions_of(request.user).filter(result__slug=slug, number=number).first()
        if version is None:
            raise Http404
        rows = limits.verdicts(version, asked_for(request))
        return Response({"verdict": requirements.overall(rows), "requirements": rows})


def _result(request: Any, slug: str) -> Result:
    found = queries.results_of(request.user).filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def _tag(result: Result) -> str:
    return conditional.tag_of({"requirements": result.requirements})


def _answer(result: Result) -> Response:
    return Response({"requirements": result.requirements}, headers={"ETag": _tag(result)})
