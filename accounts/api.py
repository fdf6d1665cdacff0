"""REST: people, projects, server settings, audit log. Changes by a signed-in browser only."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import conditional, serializers, server_settings, services
from accounts.authentication import SessionOnly
from accounts.models import AuditEntry, Project, User
from accounts.permissions import may, require, visible
from config.rest import Conflict
from contract.problems import gettext_noop


class ReadByToken(SessionOnly):
    """Tokens read; only a session changes."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return request.method in SAFE_METHODS or super().has_permission(request, view)


class People(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Names and roles of everyone here."""

    serializer_class = serializers.PersonSerializer
    permission_classes = [IsAuthenticated, ReadByToken]
    queryset = User.objects.prefetch_related("memberships").order_by("username")
    lookup_field = "username"
    lookup_value_regex = "[^/]+"

    def get_queryset(self) -> QuerySet[User]:
        require(self.request.user, "see", token=self.request.auth)
        return super().get_queryset()

    @extend_schema(request=serializers.NewPersonSerializer, responses={201: serializers.InvitedSerializer})
    def create(self, request: Any) -> Response:
        """Add a person; the answer holds the one-time link by which they come in. No `Idempotency-Key` is kept."""
        require(request.user, "manage", token=request.auth)
        body = conditional.fields_of(request.data, ("username", "role"))
        conditional.expect(body, "username", str, gettext_noop("Expected text."))
        person = services.add_person(body.get("username", ""), body.get("role", "viewer"), request.user, via="api")
        link = services.make_signin_link(person)
        answer = {"username": person.username, "role": serializers.person_role(person), "link": link}
        return Response(answer, status=201)

    @extend_schema(request=serializers.PersonChangeSerializer)
    def partial_update(self, request: Any, username: str) -> Response:
        require(request.user, "manage", token=request.auth)
        person = get_object_or_404(User, username=username)
        body = conditional.fields_of(request.data, ("role", "is_active"))
        conditional.expect(body, "is_active", bool, gettext_noop("Expected true or false."))
        try:
            if "role" in body:
                services.set_role(person, body["role"], request.user, via="api")
            if "is_active" in body:
                services.set_active(person, body["is_active"], request.user, via="api")
        except services.Refused as refused:
            raise Conflict(_(str(refused))) from refused
        return Response(self.get_serializer(User.objects.get(pk=person.pk)).data)


class Projects(mixins.ListModelMixin, viewsets.GenericViewSet):
    """The projects that you see, with your role in each."""

    serializer_class = serializers.ProjectSerializer
    permission_classes = [IsAuthenticated, ReadByToken]
    queryset = Project.objects.order_by("id")

    def get_queryset(self) -> QuerySet[Project]:
        return visible(self.request.user, super().get_queryset(), "")


class Settings(APIView):
    """Settings of the whole server."""

    permission_classes = [IsAuthenticated, ReadByToken]

    @extend_schema(responses={200: dict[str, bool | str]})
    def get(self, request: Any) -> Response:
        require(request.user, "manage")
        return Response(server_settings.all_values())

    @extend_schema(request=dict[str, bool | str], responses={200: dict[str, bool | str]})
    def patch(self, request: Any) -> Response:
        require(request.user, "manage", token=request.auth)
        for key, value in conditional.fields_of(request.data, server_settings.KNOWN).items():
            services.change_setting(key, value, request.user, via="api")
        return Response(server_settings.all_values())


class Audit(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Who did what: operators see what they did themselves, admins everything. Nothing here can be changed."""

    serializer_class = serializers.AuditSerializer
    queryset = AuditEntry.objects.all()

    def get_queryset(self) -> QuerySet[AuditEntry]:
        user = self.request.user
        require(user, "audit", token=self.request.auth)
        entries = super().get_queryset()
        entries = entries if may(user, "audit", AuditEntry()) else entries.filter(actor=user)
        for field in ("verb", "via", "object_type", "object_id"):
            if field in self.request.query_params:
                entries = entries.filter(**{field: self.request.query_params[field]})
        return entries
