"""What REST bodies may hold, and `If-Match`: a change that was made meanwhile is not overwritten unseen."""

import hashlib
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

from contract.problems import Invalid, Problem, gettext_noop, unknown


class ChangedMeanwhile(APIException):
    """412: the tag in `If-Match` is not the present one."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = _("This was changed meanwhile. Read it again, then decide.")


def fields_of(data: Any, known: Iterable[str]) -> dict[str, Any]:
    """The body as a dict that holds `known` fields only. Raises Invalid naming each other one."""
    if not isinstance(data, dict):
        raise Invalid([Problem("body", gettext_noop("Expected an object."))])
    known = list(known)
    strangers = [unknown(str(name), str(name), known) for name in data if name not in known]
    if strangers:
        raise Invalid(strangers)
    return {name: data[name] for name in data}


def expect(body: dict[str, Any], name: str, kind: type, sentence: str) -> None:
    """Raise Invalid with `sentence` when `name` is there and is not of this kind."""
    if name in body and (not isinstance(body[name], kind) or (kind is int and isinstance(body[name], bool))):
        raise Invalid([Problem(name, sentence)])


def tag_of(editable: dict[str, Any]) -> str:
    """The `ETag` of what a PATCH may change; what moves by itself is no part of it."""
    text = json.dumps(editable, sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def check_unchanged(request: Any, tag: str) -> None:
    """Raise ChangedMeanwhile when the request carries `If-Match` with another tag."""
    wanted = request.headers.get("If-Match", "")
    if wanted and wanted != "*" and tag not in [part.strip() for part in wanted.split(",")]:
        raise ChangedMeanwhile
