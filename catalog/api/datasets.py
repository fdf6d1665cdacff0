"""Datasets: list, add, show, change, remove, and stop an import."""

import hashlib
import json
from typing import Any

from django.db import transaction
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.audit import address_of
from accounts.idempotency import once
from accounts.permissions import may, require
from catalog import api_schema, queries, services
from catalog.api.finding import dataset_at
from catalog.api.incoming import FIELDS, no_source, refuse_without_space, review_of, source_of
from catalog.imports.options import Options
from catalog.models import Dataset, DatasetState
from catalog.request_bodies import object_of, project_of, refuse_unknown
from config.json_bodies import JSONBodies
from config.rest import Conflict, problem
from contract.problems import Invalid, unknown
from contract.tasks import TASKS

FILTERS = ("search", "state", "task", "ordering")
ORDERINGS = ("id", "-id", "name", "-name", "created_at", "-created_at")
LIST_PARAMETERS = {"page", "page_size", *FILTERS}


class DatasetList(GenericAPIView):
    """Datasets that you may see; POST adds one from an archive, a table, an upload, a directory or a built-in set."""

    parser_classes = [MultiPartParser, FormParser, JSONBodies]

    @extend_schema(
        parameters=[OpenApiParameter(name) for name in FILTERS],
        responses=api_schema.DatasetSerializer(many=True),
    )
    def get(self, request) -> Response:
        page = self.paginate_queryset(_filtered(queries.datasets_of(request.user), request.query_params))
        return self.get_paginated_response([queries.dataset_json(dataset) for dataset in page])

    @extend_schema(request=api_schema.NewDatasetSerializer, responses={202: api_schema.DatasetSerializer})
    def post(self, request) -> HttpResponseBase:
        refuse_without_space(request)
        return self._add(request)

    @once
    @transaction.atomic
    def _add(self, request) -> HttpResponseBase:
        body = object_of(request.data)
        refuse_unknown(body, FIELDS | {"name", "project"})
        where = project_of(request)
        require(request.user, "run", where, token=request.auth)
        told: dict[str, Any] = {"options": Options.parse(body), "review": review_of(body)}
        source = source_of(request, body)
        if source is None:
            raise no_source()
        told |= {"via": "api", "address": address_of(request)}
        dataset = services.add(request.user, where, source, name=body.get("name") or "", **told)
        return Response(queries.dataset_json(dataset), status=202)


class DatasetDetail(APIView):
    @extend_schema(responses=api_schema.DatasetSerializer)
    def get(self, request, slug: str) -> HttpResponseBase:
        dataset = dataset_at(request, slug)
        return Response(queries.dataset_json(dataset), headers={"ETag": _etag(dataset)})

    @extend_schema(request=api_schema.DatasetChangeSerializer, responses=api_schema.DatasetSerializer)
    def patch(self, request, slug: str) -> HttpResponseBase:
        dataset = dataset_at(request, slug)
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
        dataset = dataset_at(request, slug)
        require(request.user, "change", dataset, token=request.auth)
        try:
            services.remove(dataset, actor=request.user, via="api", address=address_of(request))
        except services.InUse as error:
            sentence = _("These use the dataset: %(users)s. Remove them first.") % {"users": str(error)}
            return problem(409, sentence, jobs=error.users)
        return Response(status=204)


class ImportCancel(APIView):
    """Stop the import that runs, or let go what it found; earlier versions stay."""

    @extend_schema(request=None, responses=api_schema.DatasetSerializer)
    def post(self, request, slug: str) -> Response:
        dataset = dataset_at(request, slug)
        require(request.user, "change", dataset, token=request.auth)
        if not services.cancel_import(dataset, request.user, via="api", address=address_of(request)):
            raise Conflict(_("No import of this dataset runs, and none waits for a decision."))
        return Response(queries.dataset_json(dataset_at(request, slug)))


class Found(APIView):
    """What an import has read and nobody has decided about yet, with the first samples; 404 when nothing waits."""

    @extend_schema(responses=api_schema.FoundSerializer)
    def get(self, request, slug: str) -> Response:
        dataset = dataset_at(request, slug)
        raw = may(request.user, "see_raw", dataset, token=request.auth)
        found = queries.found_json(dataset, raw=raw)
        if found is None:
            raise NotFound(_("No import of this dataset waits for a decision."))
        return Response(found)


class ImportCommit(APIView):
    """Import what was found: it becomes a version. With `hash` only while that is still what waits."""

    @extend_schema(request=api_schema.CommitSerializer, responses=api_schema.DatasetSerializer)
    def post(self, request, slug: str) -> Response:
        dataset = dataset_at(request, slug)
        require(request.user, "change", dataset, token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"hash"})
        try:
            seen = str(body.get("hash") or "")
            services.commit(dataset, request.user, seen, via="api", address=address_of(request))
        except services.NothingWaits as error:
            raise Conflict(_(services.NOTHING_WAITS)) from error
        return Response(queries.dataset_json(dataset_at(request, slug)))


def _filtered(datasets, query):
    for name in query:
        if name not in LIST_PARAMETERS:
            raise Invalid([unknown(name, name, LIST_PARAMETERS)])
    if search := query.get("search", "")[:200]:
        datasets = datasets.filter(name__icontains=search) | datasets.filter(slug__icontains=search)
    for name, known in (("state", DatasetState.values), ("task", TASKS)):
        if (value := query.get(name)) and value not in known:
            raise Invalid([unknown(name, value, known)])
    if task := query.get("task"):
        datasets = datasets.filter(task=task)
    if state := query.get("state"):
        datasets = queries.in_state(datasets, [state])
    ordering = query.get("ordering", "-id")
    if ordering not in ORDERINGS:
        raise Invalid([unknown("ordering", ordering, ORDERINGS)])
    return datasets.order_by(ordering)


def _etag(dataset: Dataset) -> str:
    text = json.dumps([dataset.pk, dataset.name, dataset.sensitive])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
