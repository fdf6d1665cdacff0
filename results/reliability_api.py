"""`/api/v1/results/{slug}/versions/{n}/reliability/`."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.api.lookup import only
from results import difference, measured, queries, reliability, side_by_side


class ReliabilitySerializer(serializers.Serializer):
    """How far the numbers of a version can be trusted."""

    agreement = serializers.DictField(allow_null=True, help_text="share of equal answers, by file and device")
    spread = serializers.ListField(child=serializers.DictField(), help_text="of the leading metric over devices")
    seeds = serializers.DictField(allow_null=True, help_text="of jobs that differ in their seed alone: mean, sd")
    restarts = serializers.IntegerField()
    batches_missing = serializers.IntegerField()
    fine_tuning = serializers.DictField(help_text="the model before, measured, and the difference with its interval")


class Against(APIView):
    """This version next to another one of the same model: what is better, by how much, what differs in the making."""

    @extend_schema(responses={200: dict})
    def get(self, request: Any, slug: str, number: int, other: int) -> Response:
        only(request)
        found = {row.number: row for row in queries.versions_of(request.user).filter(result__slug=slug)}
        if number not in found or other not in found:
            raise Http404
        return Response(side_by_side.compared(found[number], found[other]))


class Reliability(APIView):
    """Agreement of devices and formats, spread over devices and seeds, restarts, and whether fine-tuning helped."""

    @extend_schema(responses=ReliabilitySerializer)
    def get(self, request: Any, slug: str, number: int) -> Response:
        only(request)
        version = queries.versions_of(request.user).filter(result__slug=slug, number=number).first()
        if version is None:
            raise Http404
        asked = measured.runs(version)
        rows = measured.rows(version, asked)
        found = difference.fine_tuning(version, rows, measured.starts(asked))
        return Response(reliability.of(version, rows) | {"fine_tuning": found})
