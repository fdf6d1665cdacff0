"""Versions of a dataset: list, import another, clean one, look at its items, compare two, prepare one."""

from typing import Any

from django.db import transaction
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.audit import address_of
from accounts.idempotency import once
from accounts.permissions import may, require
from catalog import api_schema, queries, recipes, services
from catalog.api.finding import dataset_at, version_at
from catalog.api.incoming import FIELDS, refuse_without_space, review_of, source_of
from catalog.base_models import tokenizers
from catalog.imports.options import Options
from catalog.queries.samples import MOST_A_PAGE, SAMPLES_A_PAGE
from catalog.request_bodies import object_of, refuse_unknown
from config.json_bodies import JSONBodies
from config.rest import Conflict
from contract.problems import Invalid, Problem, gettext_noop, unknown
from devices.models import Device
from devices.queries import devices_of
from recipes.version import SPLITS


class VersionList(APIView):
    """Versions, newest first; POST imports another one: a new source, or without one the last source read otherwise."""

    parser_classes = [MultiPartParser, FormParser, JSONBodies]

    @extend_schema(responses=api_schema.VersionSerializer(many=True))
    def get(self, request, slug: str) -> Response:
        dataset = dataset_at(request, slug)
        raw = may(request.user, "see_raw", dataset, token=request.auth)
        versions = [queries.version_json(version, raw=raw) for version in dataset.versions.all()]
        return Response({"count": len(versions), "next": None, "previous": None, "results": versions})

    @extend_schema(request=api_schema.NewVersionSerializer, responses={202: api_schema.DatasetSerializer})
    def post(self, request, slug: str) -> HttpResponseBase:
        refuse_without_space(request)
        return self._add(request, slug)

    @once
    @transaction.atomic
    def _add(self, request, slug: str) -> Response:
        dataset = dataset_at(request, slug)
        require(request.user, "change", dataset, token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, FIELDS)
        options = Options.parse(body)
        source = source_of(request, body)
        told = {"actor": request.user, "via": "api", "address": address_of(request)}
        try:
            services.add_version(dataset, source, options, review=review_of(body), **told)
        except services.Busy as error:
            raise Conflict(_(services.BUSY)) from error
        return Response(queries.dataset_json(dataset), status=202)


class VersionClean(APIView):
    """Make another version, without what the checks of this one list: contradictions, leaks, near_leaks, duplicates."""

    @extend_schema(request=api_schema.CleanSerializer, responses={202: api_schema.DatasetSerializer})
    def post(self, request, slug: str, number: int) -> Response:
        version = version_at(request, slug, number)
        require(request.user, "change", version.dataset, token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"without"})
        told = {"actor": request.user, "via": "api", "address": address_of(request)}
        try:
            services.clean(version, body.get("without"), **told)
        except services.Busy as error:
            raise Conflict(_(services.BUSY)) from error
        return Response(queries.dataset_json(dataset_at(request, slug)), status=202)


class VersionItems(APIView):
    """Items of a version, 24 a page (`page_size`: up to 100): pictures as addresses, texts and rows as they are."""

    @extend_schema(
        parameters=[OpenApiParameter(name) for name in ("page", "page_size", "split", "class")],
        responses=api_schema.ItemPageSerializer,
    )
    def get(self, request, slug: str, number: int) -> Response:
        version = version_at(request, slug, number)
        require(request.user, "see_raw", version.dataset, token=request.auth)
        query = request.query_params
        refuse_unknown(query, {"page", "page_size", "split", "class"})
        for name, known in (("split", SPLITS), ("class", version.schema["classes"])):
            if (value := query.get(name)) and value not in known:
                raise Invalid([unknown(name, value, known)])
        page, size = _whole(query, "page", 1), _whole(query, "page_size", SAMPLES_A_PAGE)
        size = min(max(size, 1), MOST_A_PAGE)
        return Response(queries.samples(version, query.get("split", ""), page, query.get("class", ""), size))


def _whole(query: Any, name: str, otherwise: int) -> int:
    text = query.get(name, str(otherwise))
    if not (text.isdecimal() and len(text) < 9):
        raise Invalid([Problem(name, gettext_noop("Expected a whole number."))])
    return int(text)


class VersionDiff(APIView):
    """What this version has otherwise than another one of the same dataset (`?from=1`; the one before without)."""

    @extend_schema(parameters=[OpenApiParameter("from", int)], responses=api_schema.DiffSerializer)
    def get(self, request, slug: str, number: int) -> Response:
        version = version_at(request, slug, number)
        require(request.user, "see_raw", version.dataset, token=request.auth)
        refuse_unknown(request.query_params, {"from"})
        other = request.query_params.get("from", str(number - 1))
        if not (other.isdecimal() and len(other) < 9):
            raise Invalid([Problem("from", gettext_noop("Expected the number of a version."))])
        return Response(queries.diff(version_at(request, slug, int(other)), version))


class PrepareSerializer(api_schema.StepsSerializer):
    device = serializers.CharField(required=False, help_text="a device that gets the data ahead of any job")


class VersionPrepare(APIView):
    """Prepare a version with a recipe ahead of any job, and bring it to a `device`."""

    @extend_schema(request=PrepareSerializer, responses={202: api_schema.PreparedSerializer})
    def post(self, request, slug: str, number: int) -> Response:
        dataset = dataset_at(request, slug)
        require(request.user, "run", dataset, token=request.auth)
        version = version_at(request, slug, number)
        body = object_of(request.data)
        refuse_unknown(body, {"recipe", "device"})
        device = _device(request, body["device"]) if body.get("device") else None
        task = queries.task_of(version)
        steps = body.get("recipe") or recipes.default_steps(version, task)
        problems = recipes.check(steps, version.schema, task=task)
        if problems := problems or tokenizers.problems(steps, dataset.project):
            raise Invalid(problems)
        prepared = services.prepare(version, steps)
        if device:
            services.want_on(prepared, device)
        answer = {"recipe": prepared.recipe.hash, "hash": prepared.hash, "state": prepared.state}
        return Response(answer | {"readiness": queries.readiness(prepared)}, status=202)


def _device(request, slug: Any) -> Device:
    """Raises Invalid, of a device that may not be seen as of none."""
    device = devices_of(request.user).filter(slug=str(slug)[:120], removed_at=None).first()
    if device is None:
        sentence = gettext_noop("No device '%(slug)s' that you may use.")
        raise Invalid([Problem("device", sentence, {"slug": str(slug)[:120]})])
    return device
