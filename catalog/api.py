"""REST of datasets, their versions, and recipes. Thin: look up, ask `may`, call one service, answer."""

import hashlib
import json
import shutil
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.audit import address_of
from accounts.idempotency import once
from accounts.models import Project
from accounts.permissions import require
from catalog import api_schema, queries, recipes, services
from catalog.models import Dataset, DatasetState, DatasetVersion, Recipe
from catalog.request_bodies import object_of, project_of, refuse_unknown
from catalog.services.preparing import keep_recipe
from config.rest import Conflict, problem
from contract.problems import Invalid, Problem, gettext_noop, unknown
from recipes.steps import STEPS

FILTERS = ("search", "state", "task", "ordering")
ORDERINGS = ("id", "-id", "name", "-name", "created_at", "-created_at")
LIST_PARAMETERS = {"page", "page_size", *FILTERS}
SPACE_LEFT_BYTES = 256 * 2**20


class DatasetList(GenericAPIView):
    """Datasets that you may see; POST adds one from a zip of class folders or a built-in one."""

    parser_classes = [MultiPartParser, FormParser, JSONParser]

    @extend_schema(
        parameters=[OpenApiParameter(name) for name in FILTERS],
        responses=api_schema.DatasetSerializer(many=True),
    )
    def get(self, request) -> Response:
        page = self.paginate_queryset(_filtered(queries.datasets_of(request.user), request.query_params))
        return self.get_paginated_response([queries.dataset_json(dataset) for dataset in page])

    @extend_schema(request=api_schema.NewDatasetSerializer, responses={202: api_schema.DatasetSerializer})
    def post(self, request) -> HttpResponseBase:
        free = shutil.disk_usage(settings.FLEETUNE_HOME).free
        if int(request.META.get("CONTENT_LENGTH") or 0) + SPACE_LEFT_BYTES > free:
            sentence = _("The upload does not fit: %(free)s MiB are free on the server.")
            return problem(413, sentence % {"free": free // 2**20})
        return self._add(request)

    @once
    def _add(self, request) -> HttpResponseBase:
        body = object_of(request.data)
        refuse_unknown(body, {"file", "builtin", "url", "upload", "name", "project"})
        where = project_of(request)
        require(request.user, "run", where, token=request.auth)
        if body.get("url"):
            return problem(403, _("Importing from URLs is off on this server. Ask an admin."))
        dataset = self._added(request, where, body)
        return Response(queries.dataset_json(dataset), status=202)

    def _added(self, request, where: Project, body: dict[str, Any]) -> Dataset:
        user, name, address = request.user, body.get("name") or "", address_of(request)
        if "builtin" in body:
            return services.add_builtin(user, where, body["builtin"], name=name, via="api", address=address)
        if hasattr(body.get("file"), "chunks"):
            return services.add_upload(user, where, name, body["file"], via="api", address=address)
        sentence = gettext_noop("Send a zip of class folders as 'file', or name a 'builtin': %(known)s.")
        raise Invalid([Problem("file", sentence, {"known": ", ".join(services.BUILTINS)})])


class DatasetDetail(APIView):
    @extend_schema(responses=api_schema.DatasetSerializer)
    def get(self, request, slug: str) -> HttpResponseBase:
        dataset = _dataset(request, slug)
        return _gone(dataset) or Response(queries.dataset_json(dataset), headers={"ETag": _etag(dataset)})

    @extend_schema(request=api_schema.DatasetChangeSerializer, responses=api_schema.DatasetSerializer)
    def patch(self, request, slug: str) -> HttpResponseBase:
        dataset = _dataset(request, slug)
        if gone := _gone(dataset):
            return gone
        require(request.user, "change", dataset, token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"name", "sensitive"})
        if request.headers.get("If-Match", _etag(dataset)) != _etag(dataset):
            return problem(412, _("Somebody changed this meanwhile. Load it again."))
        told = {"actor": request.user, "via": "api", "address": address_of(request)}
        if "sensitive" in body:
            services.set_sensitive(dataset, body["sensitive"], **told)
        if "name" in body:
            services.rename(dataset, body["name"], **told)
        return Response(queries.dataset_json(dataset), headers={"ETag": _etag(dataset)})

    @extend_schema(responses={204: None})
    def delete(self, request, slug: str) -> HttpResponseBase:
        dataset = _dataset(request, slug)
        if gone := _gone(dataset):
            return gone
        require(request.user, "change", dataset, token=request.auth)
        try:
            services.remove(dataset, actor=request.user, via="api", address=address_of(request))
        except services.InUse as error:
            sentence = _("These use the dataset: %(users)s. Remove them first.") % {"users": str(error)}
            return problem(409, sentence, jobs=error.users)
        return Response(status=204)


class VersionList(APIView):
    @extend_schema(responses=api_schema.VersionSerializer(many=True))
    def get(self, request, slug: str) -> HttpResponseBase:
        dataset = _dataset(request, slug)
        if gone := _gone(dataset):
            return gone
        versions = [queries.version_json(version) for version in dataset.versions.all()]
        return Response({"count": len(versions), "next": None, "previous": None, "results": versions})


class VersionPrepare(APIView):
    """Prepare a version with a recipe ahead of any job."""

    @extend_schema(request=api_schema.StepsSerializer, responses={202: api_schema.PreparedSerializer})
    def post(self, request, slug: str, number: int) -> HttpResponseBase:
        dataset = _dataset(request, slug)
        if gone := _gone(dataset):
            return gone
        require(request.user, "run", dataset, token=request.auth)
        version = get_object_or_404(DatasetVersion, dataset=dataset, number=number)
        if dataset.state != DatasetState.READY:
            raise Conflict(_("This dataset is not imported yet."))
        body = object_of(request.data)
        refuse_unknown(body, {"recipe"})
        steps = body.get("recipe") or recipes.default_steps(version, dataset.task)
        if problems := recipes.check(steps, version.schema, task=dataset.task):
            raise Invalid(problems)
        prepared = services.prepare(version, steps)
        answer = {"recipe": prepared.recipe.hash, "hash": prepared.hash, "state": prepared.state}
        return Response(answer | {"readiness": queries.readiness(prepared)}, status=202)


class RecipeList(GenericAPIView):
    """Recipes that were used or kept, with every parameter written out; POST checks one and keeps it."""

    @extend_schema(responses=api_schema.RecipeSerializer(many=True))
    def get(self, request) -> Response:
        require(request.user, "see", token=request.auth)
        page = self.paginate_queryset(Recipe.objects.order_by("-id"))
        return self.get_paginated_response([_recipe_json(recipe) for recipe in page])

    @extend_schema(request=api_schema.NewRecipeSerializer, responses={201: api_schema.RecipeSerializer})
    def post(self, request) -> HttpResponseBase:
        require(request.user, "run", token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"steps", "dataset"})
        kind = ""
        if "dataset" in body:
            version = _version_named(request, body["dataset"])
            kind = version.schema["kind"]
            if problems := recipes.check(body.get("steps"), version.schema, "steps"):
                raise Invalid(problems)
        return Response(_recipe_json(keep_recipe(body.get("steps"), "steps", kind)), status=201)


class StepList(APIView):
    """The steps that a recipe can have, with their parameters and defaults."""

    @extend_schema(responses=api_schema.StepSerializer(many=True))
    def get(self, request) -> Response:
        return Response([{"step": name, "parameters": step.parameters()} for name, step in STEPS.items()])


def _dataset(request, slug: str) -> Dataset:
    """Removed ones too, for their 410; Http404 for one that is unknown or not for this actor."""
    try:
        return queries.dataset_for(request.user, slug)
    except Dataset.DoesNotExist as error:
        removed = queries.removed_for(request.user, slug)
        if removed is None:
            raise Http404 from error
        return removed


def _gone(dataset: Dataset) -> HttpResponseBase | None:
    if dataset.removed_at is None:
        return None
    who = dataset.removed_by.username if dataset.removed_by else "—"
    sentence = _("%(who)s removed this dataset on %(when)s.") % {"who": who, "when": f"{dataset.removed_at:%Y-%m-%d}"}
    return problem(410, sentence, removed_by=who, removed_at=queries.datasets.iso(dataset.removed_at))


def _version_named(request, slug: Any) -> DatasetVersion:
    try:
        version = queries.latest(queries.dataset_for(request.user, str(slug)))
    except Dataset.DoesNotExist:
        version = None
    if version is None:
        sentence = gettext_noop("No dataset '%(slug)s' that you may use.")
        raise Invalid([Problem("dataset", sentence, {"slug": str(slug)[:120]})])
    return version


def _filtered(datasets, query):
    for name in query:
        if name not in LIST_PARAMETERS:
            raise Invalid([unknown(name, name, LIST_PARAMETERS)])
    if search := query.get("search", "")[:200]:
        datasets = datasets.filter(name__icontains=search) | datasets.filter(slug__icontains=search)
    for name, known in (("state", DatasetState.values), ("task", [services.datasets.CLASSIFICATION])):
        if value := query.get(name):
            if value not in known:
                raise Invalid([unknown(name, value, known)])
            datasets = datasets.filter(**{name: value})
    ordering = query.get("ordering", "-id")
    if ordering not in ORDERINGS:
        raise Invalid([unknown("ordering", ordering, ORDERINGS)])
    return datasets.order_by(ordering)


def _recipe_json(recipe: Recipe) -> dict[str, Any]:
    return {"hash": recipe.hash, "steps": recipe.steps, "words": recipes.words(recipe.steps)}


def _etag(dataset: Dataset) -> str:
    text = json.dumps([dataset.pk, dataset.name, dataset.sensitive])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
