"""The OpenAPI schema and its page."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import render
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import server_settings
from accounts.permissions import may
from config import api_examples


class ReadsDocs(BasePermission):
    """Whoever may see anything here; everybody when an admin has opened the docs."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return may_read(request.user, token=request.auth)


@extend_schema(exclude=True)
class Schema(SpectacularAPIView):
    """OpenAPI 3 of all REST routes, as YAML or (`?format=json`, or by `Accept`) JSON."""

    permission_classes = [ReadsDocs]


@extend_schema(exclude=True)
@api_view(["GET"])
@permission_classes([])
def page(request: Request) -> HttpResponse:
    """How to use the API: a token, three examples that run, the socket, then every route."""
    if not may_read(request.user, token=request.auth):
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    base = f"{request.scheme}://{request.get_host()}"
    context = {"base": base, "examples": api_examples.of(base)}
    return render(request._request, "api_docs.html", context)


def may_read(user: Any, token: Any = None) -> bool:
    return bool(server_settings.value_of("open_docs")) or may(user, "docs", token=token)
