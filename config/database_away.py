"""Middleware: while the database is locked, full or gone, whoever writes gets a 503 that says so and when to return."""

import logging
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from config.rest import problem

RETRY_AFTER_S = 5
log = logging.getLogger(__name__)


class DatabaseAway:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError):
            return None
        log.warning("the database does not answer: %s", error)
        sentence = _("Nothing was changed: the database cannot be written now (%(why)s). Try again in some seconds.")
        detail = sentence % {"why": _why(error)}
        if request.path_info.startswith(("/api/", "/agent/")):
            answer: HttpResponse = problem(503, detail)
        else:
            answer = HttpResponse(render_to_string("503.html", {"detail": detail}), status=503)
        answer["Retry-After"] = str(RETRY_AFTER_S)
        return answer


def _why(error: OperationalError) -> str:
    """In words of our own: the driver's may name hosts and people."""
    text = str(error).lower()
    if "full" in text or "no space" in text:
        return _("its disk is full")
    return _("it is locked") if "lock" in text else _("it does not answer")
