"""REST: hosts, devices and their readings, join tokens."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from accounts import conditional
from accounts.authentication import SessionOnly
from accounts.models import AuditEntry
from accounts.permissions import require
from config.rest import Conflict, problem
from contract.problems import Invalid, Problem, gettext_noop, unknown
from devices import enrolment, joining, queries, serializers, services
from devices.models import Device, EnrolmentToken, Host

SPAN = OpenApiParameter("span", str, enum=list(queries.SPANS))
EDITABLE = ("name", "labels", "drain", "reason", "running")


class Hosts(viewsets.GenericViewSet):
    """Machines with devices."""

    serializer_class = serializers.HostSerializer
    queryset = Host.objects.all()

    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(queries.hosts_of(request.user))
        return self.get_paginated_response([queries.host_json(host) for host in page])

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(queries.host_json(get_object_or_404(queries.hosts_of(request.user), pk=pk)))


class Devices(viewsets.GenericViewSet):
    """What jobs are placed on. They belong to the server: whoever is signed in sees them, an admin changes them."""

    serializer_class = serializers.DeviceSerializer
    queryset = Device.objects.all()
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]+"

    def list(self, request: Any) -> Response:
        found = queries.devices_of(request.user)
        for field in ("state", "kind"):
            if field in request.query_params:
                found = found.filter(**{field: request.query_params[field]})
        page = self.paginate_queryset(found.order_by("pk"))
        return self.get_paginated_response([queries.device_json(device) for device in page])

    def retrieve(self, request: Any, slug: str) -> Response:
        device = self.find(request, slug)
        return device if not isinstance(device, Device) else _answer(device)

    @extend_schema(request=serializers.DeviceChangeSerializer, responses=serializers.DeviceSerializer)
    def partial_update(self, request: Any, slug: str) -> Response:
        device = self.find(request, slug)
        if not isinstance(device, Device):
            return device
        require(request.user, "drain", device, token=request.auth)
        conditional.check_unchanged(request, _tag(device))
        _change(device, _checked(request.data), request.user)
        return _answer(self.find(request, slug))

    @extend_schema(parameters=[OpenApiParameter("force", bool)], responses={204: OpenApiResponse()})
    def destroy(self, request: Any, slug: str) -> Response:
        device = self.find(request, slug)
        if not isinstance(device, Device):
            return device
        require(request.user, "register", device, token=request.auth)
        try:
            services.remove(device, request.user, force=request.query_params.get("force") == "1", via="api")
        except services.Busy as busy:
            raise Conflict(_(str(busy))) from busy
        return Response(status=204)

    @extend_schema(parameters=[SPAN], responses=serializers.ReadingSerializer)
    @action(detail=True, pagination_class=None)
    def readings(self, request: Any, slug: str) -> Response:
        """Utilisation of the last 15 minutes, 24 hours or 30 days, oldest first."""
        device = self.find(request, slug)
        if not isinstance(device, Device):
            return device
        span = request.query_params.get("span", "15m")
        if span not in queries.SPANS:
            raise Invalid([unknown("span", span, queries.SPANS)])
        return Response({"device": device.slug, "span": span, "readings": queries.readings_of(device, span)})

    def find(self, request: Any, slug: str) -> Any:
        """The device, or the 410 that says who removed it and when. Raises Http404."""
        require(request.user, "see", token=request.auth)
        found = queries.with_leases(Device.objects.filter(slug=slug)).first()
        if found is None:
            raise NotFound(_("There is nothing here that you may see."))
        return _gone(found) if found.removed_at else found


class JoinTokens(viewsets.GenericViewSet):
    """One-use join commands. The token is in the answer to the POST and nowhere else: no `Idempotency-Key` is kept."""

    serializer_class = serializers.JoinTokenSerializer
    queryset = EnrolmentToken.objects.all()
    permission_classes = [IsAuthenticated, SessionOnly]

    @extend_schema(request=serializers.NewJoinTokenSerializer, responses={201: serializers.JoinTokenSerializer})
    def create(self, request: Any) -> Response:
        require(request.user, "register", token=request.auth)
        body = conditional.fields_of(request.data, ("device", "host", "labels"))
        labels = services.checked_labels(body.get("labels", []))
        device = _named_device(body["device"]) if body.get("device") else None
        conditional.expect(body, "host", str, gettext_noop("Expected text."))
        text = enrolment.make_token(request.user, host=body.get("host", ""), device=device, labels=labels, via="api")
        token = EnrolmentToken.objects.latest("pk")
        ways = {way["key"]: way["code"] for way in joining.commands(request, text)}
        answer = {"id": token.pk, "token": text, "commands": ways, "expires_at": token.expires_at}
        return Response(answer, status=201)

    @extend_schema(responses={204: OpenApiResponse()})
    def destroy(self, request: Any, pk: str) -> Response:
        require(request.user, "register", token=request.auth)
        enrolment.withdraw_token(get_object_or_404(EnrolmentToken, pk=pk), request.user, via="api")
        return Response(status=204)


def _answer(device: Device) -> Response:
    return Response(queries.device_json(device), headers={"ETag": _tag(device)})


def _tag(device: Device) -> str:
    return conditional.tag_of({"name": device.name, "labels": device.labels, "drain": device.draining})


def _checked(data: Any) -> dict[str, Any]:
    body = conditional.fields_of(data, EDITABLE)
    conditional.expect(body, "drain", bool, gettext_noop("Expected true or false."))
    conditional.expect(body, "reason", str, gettext_noop("Expected text."))
    return body


def _change(device: Device, body: dict[str, Any], actor: Any) -> None:
    """All of one PATCH."""
    services.change(device, actor, name=body.get("name"), labels=body.get("labels"), via="api")
    if body.get("drain") is True:
        reason, running = body.get("reason", ""), body.get("running", "finish")
        services.drain(device, actor, reason=reason, running=running, via="api")
    elif body.get("drain") is False:
        services.resume(device, actor, via="api")


def _gone(device: Device) -> Any:
    entry = AuditEntry.objects.filter(
        verb="device removed", object_type=Device._meta.label_lower, object_id=str(device.pk)
    ).first()
    said = {"who": entry.actor_name if entry else "", "when": f"{device.removed_at:%Y-%m-%d %H:%M} UTC"}
    return problem(410, _("This device was removed by %(who)s at %(when)s.") % said)


def _named_device(slug: Any) -> Device:
    device = Device.objects.filter(slug=slug, removed_at=None).first() if isinstance(slug, str) else None
    if device is None:
        raise Invalid([Problem("device", gettext_noop("There is no device with this slug."))])
    return device
