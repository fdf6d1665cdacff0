"""Calls of agents and supervisors: who is calling (the credential alone says it), and what the body says."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import RequestDataTooBig
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from accounts import secret_text
from contract.agent_calls import PROTOCOL, Message
from contract.nesting import is_too_deep
from devices.models import Credential, Device

M = TypeVar("M", bound=Message)
VERSIONS_TAKEN = {PROTOCOL, max(PROTOCOL - 1, 1)}
READING = ("GET", "HEAD")
NAMES_OF_A_DEVICE = {"device", "device_id", "device_slug"}


class Unreadable(Exception):
    """The body of a call cannot be taken; holds the refusal."""

    def __init__(self, status: int, code: str, detail: str):
        self.answer = refuse(status, code, detail)
        super().__init__(detail)


def refuse(status: int, code: str, detail: str, **more: Any) -> JsonResponse:
    """A refusal that an agent can act on by its `code`; `detail` is for its log."""
    return JsonResponse({"code": code, "detail": detail, **more}, status=status)


def agent_call(message_class: type[Message] | None, methods: tuple[str, ...] | None = None) -> Callable:
    """Decorate a view of the agents' protocol: it becomes `view(request, device, message, **kwargs)`.

    With a message class the call is a POST whose body is read into that class; without one it is a GET or HEAD, or
    whatever `methods` names (a PUT reads its body from the request itself).
    """
    allowed = methods or (("POST",) if message_class else READING)

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            if request.method not in allowed:
                return refuse(405, "wrong-method", _("This call takes: %(methods)s.") % {"methods": ", ".join(allowed)})
            device = device_of(request)
            if device is None:
                return refuse(401, "unknown-credential", _("This device's credential is unknown or revoked."))
            try:
                message = read(request, message_class) if message_class else None
            except Unreadable as error:
                return error.answer
            return view(request, device, message, **kwargs)

        return csrf_exempt(wrapped)

    return decorate


def device_of(request: HttpRequest) -> Device | None:
    """The device whose live credential the request carries. Nothing else in a request names a device."""
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.startswith(secret_text.CREDENTIAL_PREFIX):
        return None
    credential = (
        live_credentials()
        .select_related("device__host")
        .filter(digest=secret_text.digest(text), device__removed_at=None)
        .first()
    )
    if credential is None or not secret_text.matches(text, credential.digest):
        return None
    return credential.device


def live_credentials():
    """Credentials that are neither revoked nor past the overlap after a rotation."""
    return Credential.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


def read(request: HttpRequest, message_class: type[M]) -> M:
    """The body as `message_class`. Raises Unreadable with the refusal to send."""
    try:
        body = json.loads(request.body)
    except RequestDataTooBig as error:
        raise Unreadable(413, "too-large", _("The body is larger than this server takes.")) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(400, "not-json", _("The body is not JSON.")) from error
    if not isinstance(body, dict) or is_too_deep(body):
        raise Unreadable(400, "not-a-message", _("The body is a JSON object, at most 32 levels deep."))
    if body.get("v") not in VERSIONS_TAKEN:
        raise Unreadable(400, "other-version", _("This server speaks version %(v)s of the protocol.") % {"v": PROTOCOL})
    if NAMES_OF_A_DEVICE & set(body):
        raise Unreadable(400, "names-a-device", _("A device is known by its credential and names none."))
    try:
        return message_class.from_json(body)
    except (ValueError, TypeError) as error:
        raise Unreadable(400, "not-a-message", str(error)) from error
