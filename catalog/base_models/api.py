"""REST of base models. Thin: look up, ask `may`, call one service, answer."""

import shutil
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.audit import address_of
from accounts.idempotency import once
from accounts.models import Project
from accounts.permissions import require
from catalog.base_models import queries, services
from catalog.base_models.work import SPACE_LEFT_BYTES
from catalog.models import BaseModel, BaseModelState
from catalog.queries.datasets import iso
from catalog.request_bodies import object_of, project_of, refuse_unknown
from catalog.services.datasets import InUse
from config.json_bodies import JSONBodies
from config.rest import problem
from contract.problems import Invalid, Problem, gettext_noop, unknown
from contract.tasks import TASKS

FILTERS = ("search", "state", "task", "ordering")
ORDERINGS = ("id", "-id", "name", "-name", "parameters", "-parameters", "created_at", "-created_at")
LIST_PARAMETERS = {"page", "page_size", *FILTERS}


class FileSerializer(serializers.Serializer):
    name = serializers.CharField()
    sha256 = serializers.CharField()
    bytes = serializers.IntegerField()


class ModelSerializer(serializers.Serializer):
    slug = serializers.SlugField()
    name = serializers.CharField()
    state = serializers.CharField(help_text=", ".join(BaseModelState.values))
    progress = serializers.FloatField()
    error = serializers.CharField()
    source = serializers.DictField()
    hash = serializers.CharField()
    family = serializers.CharField(help_text="model_type of config.json")
    architecture = serializers.CharField()
    tasks = serializers.ListField(child=serializers.CharField(), help_text="That it can learn; [] = not known.")
    parameters = serializers.IntegerField()
    bytes = serializers.IntegerField()
    licence = serializers.CharField()
    tokenizer = serializers.BooleanField()
    owner = serializers.CharField()
    project = serializers.SlugField()
    created_at = serializers.DateTimeField()


class ModelDetailSerializer(ModelSerializer):
    files = FileSerializer(many=True)
    config = serializers.DictField()
    tensors = serializers.DictField(help_text="count, parameters, and numbers by type")
    left_out = serializers.ListField(child=serializers.CharField())


class NewModelSerializer(serializers.Serializer):
    file = serializers.FileField(required=False, help_text="A zip or tar of a model's directory (multipart).")
    path = serializers.CharField(required=False, help_text="Or a directory on the server within FLEETUNE_MODEL_ROOTS.")
    name = serializers.CharField(required=False)
    project = serializers.SlugField(required=False)


class ModelList(GenericAPIView):
    """Models from which jobs can start; POST registers one from an archive or a directory of the server."""

    parser_classes = [MultiPartParser, FormParser, JSONBodies]

    @extend_schema(parameters=[OpenApiParameter(name) for name in FILTERS], responses=ModelSerializer(many=True))
    def get(self, request) -> Response:
        page = self.paginate_queryset(_filtered(queries.models_of(request.user), request.query_params))
        return self.get_paginated_response([queries.model_json(model) for model in page])

    @extend_schema(request=NewModelSerializer, responses={202: ModelSerializer})
    def post(self, request) -> HttpResponseBase:
        free = shutil.disk_usage(settings.FLEETUNE_HOME).free
        if int(request.META.get("CONTENT_LENGTH") or 0) + SPACE_LEFT_BYTES > free:
            sentence = _("The upload does not fit: %(free)s MiB are free on the server.")
            return problem(413, sentence % {"free": free // 2**20})
        return self._add(request)

    @once
    def _add(self, request) -> HttpResponseBase:
        body = object_of(request.data)
        refuse_unknown(body, {"file", "path", "name", "project"})
        where = project_of(request)
        require(request.user, "run", where, token=request.auth)
        return Response(queries.model_json(self._added(request, where, body)), status=202)

    def _added(self, request, where: Project, body: dict[str, Any]) -> BaseModel:
        told: dict[str, Any] = {"via": "api", "address": address_of(request)}
        name = body.get("name") or ""
        if hasattr(body.get("file"), "chunks"):
            return services.add_upload(request.user, where, name, body["file"], **told)
        if "path" in body:
            return services.add_path(request.user, where, name, body["path"], **told)
        sentence = gettext_noop("Send an archive of the model's directory as 'file', or its 'path' on the server.")
        raise Invalid([Problem("file", sentence)])


class ModelDetail(APIView):
    @extend_schema(responses=ModelDetailSerializer)
    def get(self, request, slug: str) -> HttpResponseBase:
        model = _model(request, slug)
        return _gone(model) or Response(queries.model_detail(model))

    @extend_schema(responses={204: None})
    def delete(self, request, slug: str) -> HttpResponseBase:
        model = _model(request, slug)
        if gone := _gone(model):
            return gone
        require(request.user, "change", model, token=request.auth)
        try:
            services.remove(model, actor=request.user, via="api", address=address_of(request))
        except InUse as error:
            sentence = _("These use the model: %(users)s. Wait for them or cancel them first.")
            return problem(409, sentence % {"users": str(error)}, jobs=error.users)
        return Response(status=204)


def _model(request, slug: str) -> BaseModel:
    """Removed ones too, for their 410; Http404 for one that is unknown or not for this actor."""
    try:
        return queries.model_for(request.user, slug)
    except BaseModel.DoesNotExist as error:
        removed = queries.removed_for(request.user, slug)
        if removed is None:
            raise Http404 from error
        return removed


def _gone(model: BaseModel) -> HttpResponseBase | None:
    if model.removed_at is None:
        return None
    who = model.removed_by.username if model.removed_by else "—"
    sentence = _("%(who)s removed this model on %(when)s.") % {"who": who, "when": f"{model.removed_at:%Y-%m-%d}"}
    return problem(410, sentence, removed_by=who, removed_at=iso(model.removed_at))


def _filtered(models, query):
    for name in query:
        if name not in LIST_PARAMETERS:
            raise Invalid([unknown(name, name, LIST_PARAMETERS)])
    if search := query.get("search", "")[:200]:
        models = models.filter(name__icontains=search) | models.filter(family__icontains=search)
    if state := query.get("state"):
        models = models.filter(state=_known("state", state, BaseModelState.values))
    if task := query.get("task"):
        models = models.filter(tasks__icontains=f'"{_known("task", task, TASKS)}"')
    return models.order_by(_known("ordering", query.get("ordering", "-id"), ORDERINGS))


def _known(name: str, value: str, known) -> str:
    if value not in known:
        raise Invalid([unknown(name, value, known)])
    return value
