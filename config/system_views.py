"""The system page, and the same for machines. For admins; `/healthz` alone is for everybody (`config/health.py`)."""

from typing import Any

import kombu.exceptions
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import require
from config import system
from jobs import tasks

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@login_required
@require_http_methods(["GET", "POST"])
def system_page(request: HttpRequest) -> HttpResponse:
    """What answers and what does not. POST asks for a check of all promises."""
    require(request.user, "system")
    if request.method == "POST":
        _check_promises(request)
        return redirect("system")
    facts = system.facts()
    template = "system/parts.html" if request.GET.get("part") == "parts" else "system.html"
    return render(request, template, {"facts": facts, "parts": facts.parts, "verdict": VERDICTS[facts.tone]()})


class SystemView(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT, summary="How the server and its parts are doing")
    def get(self, request: Request) -> Response:
        require(request.user, "system", token=request.auth)
        return Response(system.facts().to_json())


class MetricsView(APIView):
    """For Prometheus, which brings an admin's token as its bearer."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        require(request.user, "system", token=request.auth)
        return HttpResponse(system.exposition(system.facts().samples), content_type=PROMETHEUS)


VERDICTS: dict[str, Any] = {
    "ok": lambda: _("Every part is well."),
    "warn": lambda: _("Everything works. Something wants a look."),
    "bad": lambda: _("Something does not work. It is named below, with what to do."),
}


def _check_promises(request: HttpRequest) -> None:
    try:
        tasks.check_promises.apply_async(retry=False)
    except kombu.exceptions.OperationalError:
        messages.error(
            request, _("The broker does not answer. Run `manage.py check_invariants` on the server instead.")
        )
    else:
        messages.success(request, _("The check has begun. Its result appears here."))
