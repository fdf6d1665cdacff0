"""REST: what is one's own: API tokens and drafts of forms."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from accounts import conditional, drafts, project, serializers, services
from accounts.api import ReadByToken
from accounts.idempotency import once
from accounts.models import Draft, Project, Token
from accounts.permissions import require
from contract.problems import Invalid, Problem, gettext_noop, unknown

KINDS = ("job", "dataset")
NOTHING = {204: OpenApiResponse()}


class Tokens(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Your API tokens. The text of one is in the answer that makes it and nowhere else."""

    serializer_class = serializers.TokenSerializer
    permission_classes = [IsAuthenticated, ReadByToken]
    queryset = Token.objects.all()

    def get_queryset(self) -> QuerySet[Token]:
        return super().get_queryset().filter(user=self.request.user)

    @extend_schema(request=serializers.NewTokenSerializer, responses={201: serializers.MadeTokenSerializer})
    def create(self, request: Any) -> Response:
        """No `Idempotency-Key` is kept for it: that would keep the secret."""
        require(request.user, "account", token=request.auth)
        body = conditional.fields_of(request.data, ("name", "scope", "days"))
        conditional.expect(body, "name", str, gettext_noop("Expected text."))
        conditional.expect(body, "days", int, gettext_noop("Expected a whole number."))
        given = {"name": body.get("name", ""), "scope": body.get("scope", "read"), "days": body.get("days", 90)}
        return Response({"token": services.make_token(request.user, **given, via="api")}, status=201)

    @extend_schema(responses=NOTHING)
    def destroy(self, request: Any, pk: str) -> Response:
        """Revoke it: it stops working at once."""
        require(request.user, "account", token=request.auth)
        services.revoke_token(get_object_or_404(self.get_queryset(), pk=pk), request.user, via="api")
        return Response(status=204)


class Drafts(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Your unfinished forms. A draft is never a job."""

    serializer_class = serializers.DraftSerializer
    queryset = Draft.objects.select_related("project").order_by("-updated_at")

    def get_queryset(self) -> QuerySet[Draft]:
        own = super().get_queryset().filter(owner=self.request.user)
        kind = self.request.query_params.get("kind")
        return own.filter(kind=kind) if kind else own

    def retrieve(self, request: Any, pk: str) -> Response:
        return self.answer(get_object_or_404(self.get_queryset(), pk=pk))

    @extend_schema(request=serializers.NewDraftSerializer, responses={201: serializers.DraftSerializer})
    @once
    def create(self, request: Any) -> Response:
        require(request.user, "run", token=request.auth)
        body = conditional.fields_of(request.data, ("kind", "data", "project"))
        if body.get("kind") not in KINDS:
            raise Invalid([unknown("kind", str(body.get("kind", "")), KINDS)])
        conditional.expect(body, "data", dict, gettext_noop("Expected an object."))
        draft = drafts.keep(request.user, self.project(request), body["kind"], body.get("data", {}))
        return self.answer(draft, status=201)

    @extend_schema(request=serializers.DraftChangeSerializer)
    def partial_update(self, request: Any, pk: str) -> Response:
        require(request.user, "run", token=request.auth)
        draft = get_object_or_404(self.get_queryset(), pk=pk)
        conditional.check_unchanged(request, _tag(draft))
        body = conditional.fields_of(request.data, ("data",))
        conditional.expect(body, "data", dict, gettext_noop("Expected an object."))
        return self.answer(drafts.keep(request.user, draft.project, draft.kind, body.get("data", {}), draft=draft))

    @extend_schema(responses=NOTHING)
    def destroy(self, request: Any, pk: str) -> Response:
        require(request.user, "run", token=request.auth)
        drafts.forget(get_object_or_404(self.get_queryset(), pk=pk))
        return Response(status=204)

    def project(self, request: Any) -> Project:
        slug = request.data.get("project", "")
        try:
            return project.named(request.user, slug if isinstance(slug, str) else "?")
        except Project.DoesNotExist as error:
            sentence = gettext_noop("No project '%(slug)s' that you may use.")
            raise Invalid([Problem("project", sentence, {"slug": str(slug)[:60]})]) from error

    def answer(self, draft: Draft, status: int = 200) -> Response:
        return Response(self.get_serializer(draft).data, status=status, headers={"ETag": _tag(draft)})


def _tag(draft: Draft) -> str:
    return conditional.tag_of({"updated_at": draft.updated_at})
