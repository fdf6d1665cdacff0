"""`/jobs/{id}/requirements/`: every limit on the job's result with what was measured."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from contract.problems import Invalid, Problem, gettext_noop, unknown
from contract.requirement import requirement_problems
from jobs import requirements
from jobs.api.lookup import find
from jobs.api.shapes import RequirementSerializer

MOST = 50


class VerdictsSerializer(serializers.Serializer):
    verdict = serializers.CharField(help_text="met, missed or not_measured")
    requirements = RequirementSerializer(many=True)


class Verdicts(APIView):
    @extend_schema(
        operation_id="job_requirements_list",
        parameters=[OpenApiParameter("limit", many=True, description="judge these too")],
        responses=VerdictsSerializer,
    )
    def get(self, request: Any, pk: str) -> Response:
        """The limits of its spec, then those asked for, and the verdict over all of them."""
        rows = requirements.verdicts(find(request, pk), asked_for(request))
        return Response({"verdict": requirements.overall(rows), "requirements": rows})


def asked_for(request: Any) -> list[str]:
    """The limits in the query, `?limit=…&limit=…`. Raises Invalid."""
    others = [name for name in request.query_params if name != "limit"]
    if others:
        raise Invalid([unknown(name, name, ["limit"]) for name in others])
    texts = request.query_params.getlist("limit")
    if len(texts) > MOST:
        raise Invalid([Problem("limit", gettext_noop("At most %(most)s at once."), {"most": MOST})])
    problems = [Problem("limit", problem.sentence, problem.params) for problem in requirement_problems(texts)]
    if problems:
        raise Invalid(problems)
    return texts
