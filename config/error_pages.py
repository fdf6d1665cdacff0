"""What answers when no view does: a problem document under `/api/`, a page elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views import defaults

from config.rest import problem


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_rest(request):
        return problem(404, _("There is no such address. The routes are listed at /api/v1/docs/."))
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_rest(request):
        return problem(400, _("The server cannot read this request."))
    return defaults.bad_request(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    if _is_rest(request):
        return problem(500, _("This broke on the server, whose log says what happened. Running jobs go on."))
    return defaults.server_error(request)


def _is_rest(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
