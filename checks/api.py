"""`/api/v1/fleet-tests/`: test the fleet, look at what came out, stop it."""

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import conditional
from accounts.audit import address_of
from accounts.idempotency import once
from accounts.permissions import require
from checks import queries, services
from checks.models import FleetTest, Kind
from jobs.api.lookup import only


class FleetTestRowSerializer(serializers.Serializer):
    """A test as one line of the history."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    kind = serializers.ChoiceField(Kind.choices)
    state = serializers.CharField(help_text="running, passed, failed, incomplete, unclear (no difference) or cancelled")
    owner = serializers.CharField()
    project = serializers.CharField()
    devices = serializers.ListField(child=serializers.CharField())
    job = serializers.IntegerField(allow_null=True)
    dataset = serializers.CharField()
    artifact = serializers.CharField()
    version = serializers.CharField()
    commit = serializers.CharField()
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class FleetTestSerializer(FleetTestRowSerializer):
    rows = serializers.ListField(child=serializers.DictField(), help_text="one a device: checks with ok, text, fix")
    links = serializers.ListField(child=serializers.DictField(), help_text="every pair: latency, bytes a second")
    speed = serializers.DictField(allow_null=True, help_text="of a speed test: each device alone, all together")


class NewFleetTestSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(Kind.choices, required=False, help_text="default fit")
    devices = serializers.ListField(child=serializers.CharField(), required=False, help_text="default: all")
    job = serializers.IntegerField(required=False, help_text="whose model and data; default: the newest that succeeded")
    artifact = serializers.CharField(required=False, help_text="default model.safetensors")


class FleetTests(GenericAPIView):
    @extend_schema(responses=FleetTestRowSerializer(many=True))
    def get(self, request: Any) -> Response:
        """The history, newest first, each with the release it ran under."""
        only(request, "page", "page_size")
        page = self.paginate_queryset(queries.tests_of(request.user))
        return self.get_paginated_response([queries.test_row(test) for test in page])

    @extend_schema(request=NewFleetTestSerializer, responses={201: FleetTestSerializer})
    @once
    def post(self, request: Any) -> HttpResponseBase:
        """Begin one: it runs as soon as its devices are free at once."""
        require(request.user, "run", token=request.auth)
        body = conditional.fields_of(request.data, services.FIELDS)
        test = services.start(request.user, body, via="api", address=address_of(request))
        return Response(queries.test_json(test), status=201)


class FleetTestDetail(APIView):
    @extend_schema(responses=FleetTestSerializer)
    def get(self, request: Any, number: int) -> Response:
        """Every check on every device, as far as it is."""
        only(request)
        return Response(queries.test_json(_test(request, number)))


class CancelFleetTest(APIView):
    @extend_schema(request=None, responses=FleetTestSerializer)
    @once
    def post(self, request: Any, number: int) -> HttpResponseBase:
        """Stop it on all its devices."""
        test = _test(request, number)
        require(request.user, "change", test, token=request.auth)
        services.cancel(test, request.user, via="api", address=address_of(request))
        return Response(queries.test_json(_test(request, number)))


def _test(request: Any, number: int) -> FleetTest:
    found = queries.tests_of(request.user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found
