"""How REST answers: pages of a list, and RFC 9457 problem documents for every error."""

from http import HTTPStatus

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import PageNumberPagination
from rest_framework.views import set_rollback

from contract.problems import Invalid


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class Conflict(exceptions.APIException):
    """409: the thing is not in a state that allows this."""

    status_code = HTTPStatus.CONFLICT


def problem(status: int, detail: str, errors: dict[str, list[str]] | None = None, **more) -> JsonResponse:
    """An RFC 9457 problem document. `errors` maps a path to its sentences."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail, **more}
    if errors:
        body["errors"] = errors
    return JsonResponse(body, status=status, content_type="application/problem+json")


def invalid_answer(invalid: Invalid) -> JsonResponse:
    """400 with every problem of `invalid`, translated, under its path."""
    errors: dict[str, list[str]] = {}
    for item in invalid.problems:
        errors.setdefault(item.path or "body", []).append(_(item.sentence) % item.params)
    return problem(400, _("Some fields need another value."), errors)


def problem_answer(error: Exception, context) -> JsonResponse | None:
    """DRF's exception handler: every refusal as a problem document; None lets a true error be a 500."""
    set_rollback()
    if isinstance(error, Invalid):
        return invalid_answer(error)
    if isinstance(error, Http404):
        return problem(404, _("There is nothing here that you may see."))
    if isinstance(error, RequestDataTooBig):
        return problem(413, _("The body is larger than this server takes. Send large files as uploads."))
    if isinstance(error, PermissionDenied):
        return problem(403, str(error) or _("Your role does not allow this."))
    if not isinstance(error, exceptions.APIException):
        return None
    if isinstance(error, exceptions.ValidationError):
        return problem(400, _("Some fields need another value."), _by_path(error.detail))
    answer = problem(error.status_code, str(error.detail), **getattr(error, "more", {}))
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        answer["WWW-Authenticate"] = "Bearer"
    if getattr(error, "wait", None):
        answer["Retry-After"] = str(int(error.wait))
    return answer


def _by_path(detail, path: str = "") -> dict[str, list[str]]:
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for name, inner in detail.items():
            found |= _by_path(inner, f"{path}.{name}".strip("."))
        return found
    sentences = detail if isinstance(detail, list) else [detail]
    return {path or "body": [str(sentence) for sentence in sentences]}
