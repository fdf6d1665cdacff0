"""`/api/v1/sweeps/`: list, start, look at, pause, go on, extend, stop."""

from collections.abc import Callable
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
from config.rest import Conflict
from jobs.api.lookup import only
from sweeps import queries, services
from sweeps.models import Sweep, SweepState
from sweeps.plan import ALGORITHMS, FIELDS, GOALS


class TrialSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    params = serializers.DictField()
    job = serializers.IntegerField(allow_null=True)
    state = serializers.CharField(help_text="running, complete, pruned or failed")
    value = serializers.FloatField(allow_null=True)
    looks = serializers.IntegerField(help_text="evaluations so far")
    problem = serializers.CharField()


class SweepRowSerializer(serializers.Serializer):
    """A sweep as one line of a list."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    name = serializers.CharField()
    project = serializers.CharField()
    owner = serializers.CharField()
    state = serializers.CharField(help_text=", ".join(SweepState.values))
    reason = serializers.CharField()
    algorithm = serializers.ChoiceField(ALGORITHMS)
    metric = serializers.CharField()
    goal = serializers.ChoiceField(GOALS)
    trials = serializers.IntegerField()
    started = serializers.IntegerField()
    ended = serializers.IntegerField()
    best = TrialSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class SweepSerializer(SweepRowSerializer):
    plan = serializers.DictField()
    jobs = TrialSerializer(many=True)


class NewSweepSerializer(serializers.Serializer):
    name = serializers.CharField(required=False)
    base = serializers.DictField(help_text="a job spec")
    space = serializers.DictField(help_text='{"training.learning_rate": {"low": 1e-4, "high": 0.1, "log": true}}')
    algorithm = serializers.ChoiceField(ALGORITHMS, required=False)
    metric = serializers.CharField(required=False, help_text="default eval/loss")
    goal = serializers.ChoiceField(GOALS, required=False)
    trials = serializers.IntegerField(required=False, help_text="default 20; a grid counts its own")
    parallel = serializers.IntegerField(required=False)
    seed = serializers.IntegerField(required=False)
    confirm = serializers.BooleanField(required=False, help_text="start a grid of more than 500 jobs")


class ExtendSerializer(serializers.Serializer):
    trials = serializers.IntegerField()


class Sweeps(GenericAPIView):
    @extend_schema(responses=SweepRowSerializer(many=True))
    def get(self, request: Any) -> Response:
        """Searches over settings, newest first."""
        only(request, "page", "page_size")
        page = self.paginate_queryset(queries.sweeps_of(request.user))
        return self.get_paginated_response([queries.sweep_row(sweep) for sweep in page])

    @extend_schema(request=NewSweepSerializer, responses={201: SweepSerializer})
    @once
    def post(self, request: Any) -> HttpResponseBase:
        """Start one: each trial is a job of yours."""
        require(request.user, "run", token=request.auth)
        body = conditional.fields_of(request.data, FIELDS)
        sweep = services.start(request.user, body, via="api", address=address_of(request))
        return Response(queries.sweep_json(sweep), status=201)


class SweepDetail(APIView):
    @extend_schema(responses=SweepSerializer)
    def get(self, request: Any, number: int) -> Response:
        """Its plan, every trial and the best one."""
        only(request)
        return Response(queries.sweep_json(_sweep(request, number)))


class Verb(APIView):
    """One of the verbs; 409 when the sweep's state does not allow it."""

    verb: Callable[..., None]
    takes: tuple[str, ...] = ()

    @once
    def post(self, request: Any, number: int) -> HttpResponseBase:
        sweep = _sweep(request, number)
        require(request.user, "change", sweep, token=request.auth)
        body = conditional.fields_of(request.data, self.takes)
        asked = [body.get(name) for name in self.takes]
        try:
            type(self).verb(sweep, *asked, request.user, via="api", address=address_of(request))
        except services.Refused as refusal:
            raise Conflict(str(refusal)) from refusal
        return Response(queries.sweep_json(_sweep(request, number)))


@extend_schema(request=None, responses=SweepSerializer)
class Pause(Verb):
    verb = services.pause


@extend_schema(request=None, responses=SweepSerializer)
class Resume(Verb):
    verb = services.resume


@extend_schema(request=None, responses=SweepSerializer)
class Cancel(Verb):
    verb = services.stop


@extend_schema(request=ExtendSerializer, responses=SweepSerializer)
class Extend(Verb):
    verb = services.extend
    takes = ("trials",)


def _sweep(request: Any, number: int) -> Sweep:
    found = queries.sweeps_of(request.user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found
