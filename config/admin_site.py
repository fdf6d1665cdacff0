"""The admin: Django's own, behind our sign-in, asking the same question as every page."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts.permissions import ADMIN, may, needed_sentence


class FleetuneAdminSite(AdminSite):
    site_title = _("Fleetune admin")
    site_header = _("Fleetune admin")
    index_title = _("Everything on this server")
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "manage")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one door: our sign-in page. Who came through it and is no admin is told so."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied(needed_sentence(ADMIN))
        target = request.GET.get("next") or request.path
        return redirect(target) if self.has_permission(request) else redirect_to_login(target)

    def logout(  # type: ignore[override]  # ours redirects to the sign-in page, Django's shows a page of its own
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from accounts.views import sign_out

        return sign_out(request)
