"""The pages of settings: one's own profile, API tokens and password; for admins those of the server."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.mixins import LoginRequiredMixin
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from accounts import server_settings, services
from accounts.audit import address_of
from accounts.forms import NewPassword, NewToken, Profile, ServerSettings
from accounts.models import Token
from accounts.permissions import require
from accounts.views import add_problems, in_language_of
from contract.problems import Invalid

SECTIONS = ("profile", "tokens", "security", "server")


class SettingsView(LoginRequiredMixin, View):
    """One page per section; each has one form that posts back to it."""

    def get(self, request: Any, section: str = "profile") -> HttpResponse:
        if section not in SECTIONS:
            raise Http404
        if section == "server":
            require(request.user, "manage")
        forms = {"profile": _profile_form, "tokens": _token_form, "security": _password_form, "server": _server_form}
        return _page(request, section, forms[section](request))

    def post(self, request: Any, section: str = "profile") -> HttpResponse:
        require(request.user, "account", request.user)
        if section not in SECTIONS:
            raise Http404
        save = {"profile": _save_profile, "tokens": _change_tokens, "security": _save_password, "server": _save_server}
        return save[section](request)


def _save_profile(request: Any) -> HttpResponse:
    form = Profile(request.POST)
    if not form.is_valid():
        return _page(request, "profile", form, status=400)
    services.save_profile(request.user, **form.cleaned_data)
    messages.success(request, _("Saved."))
    return in_language_of(request.user, redirect("settings", "profile"))


def _change_tokens(request: Any) -> HttpResponse:
    if "revoke" in request.POST:
        return _revoke(request)
    form = NewToken(request.user, request.POST)
    if not form.is_valid():
        return _page(request, "tokens", form, status=400)
    text = services.make_token(request.user, **form.cleaned_data, address=address_of(request))
    return _page(request, "tokens", _token_form(request), new_token=text)


def _revoke(request: Any) -> HttpResponse:
    wanted = request.POST["revoke"]
    token = Token.objects.filter(user=request.user, pk=wanted).first() if wanted.isdecimal() else None
    if token is None:
        raise Http404
    services.revoke_token(token, request.user, address=address_of(request))
    messages.success(request, _("%(name)s is revoked.") % {"name": token.name})
    return redirect("settings", "tokens")


def _save_password(request: Any) -> HttpResponse:
    form = NewPassword(request.user, request.POST)
    if form.is_valid():
        try:
            services.set_password(request.user, form.cleaned_data["password"], address=address_of(request))
        except Invalid as invalid:
            add_problems(form, invalid)
    if not form.is_valid():
        return _page(request, "security", form, status=400)
    update_session_auth_hash(request, request.user)
    messages.success(request, _("Your password is changed. Your other sessions have ended."))
    return redirect("settings", "security")


def _save_server(request: Any) -> HttpResponse:
    require(request.user, "manage")
    form = ServerSettings(request.POST)
    if form.is_valid():
        try:
            services.change_settings(form.cleaned_data, request.user)
        except Invalid as invalid:
            add_problems(form, invalid)
    if not form.is_valid():
        return _page(request, "server", form, status=400)
    messages.success(request, _("Saved."))
    return redirect("settings", "server")


def _server_form(request: Any) -> Form:
    return ServerSettings(initial=server_settings.all_values())


def _profile_form(request: Any) -> Form:
    user = request.user
    own = {"language": user.language, "time_zone": user.time_zone, "single_keys": user.single_keys}
    return Profile(initial={"name": user.first_name, **own})


def _token_form(request: Any) -> Form:
    return NewToken(request.user)


def _password_form(request: Any) -> Form:
    return NewPassword(request.user)


def _page(request: Any, section: str, form: Form, *, new_token: str = "", status: int = 200) -> HttpResponse:
    tokens = Token.objects.filter(user=request.user) if section == "tokens" else ()
    shown = {"section": section, "form": form, "tokens": tokens, "new_token": new_token}
    return render(request, "accounts/settings.html", shown, status=status)
