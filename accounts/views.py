"""Pages of signing in, signing out and one-time links."""

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_POST

from accounts import services
from accounts.audit import address_of
from accounts.forms import FirstSteps, SignIn
from accounts.guessing import RETRY_AFTER_S, address_tries_too_much
from accounts.models import User
from accounts.sessions import sign_in
from contract.problems import Invalid

A_YEAR_S = 365 * 24 * 3600


class SignInView(View):
    """Signing in by name and password. The same words and status for an unknown name and a wrong password."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect(safe_target(request) or "/")
        return self.page(request, SignIn())

    def post(self, request: HttpRequest) -> HttpResponse:
        if address_tries_too_much(address_of(request)):
            return locked_out(request)
        form = SignIn(request.POST)
        user = authenticate(request, **form.cleaned_data) if form.is_valid() else None
        if getattr(request, "axes_locked_out", False):
            return locked_out(request)
        if not isinstance(user, User):
            form.add_error(None, _("This user name and password do not match. Check both and try again."))
            return self.page(request, form, 400)
        sign_in(request, user)
        return in_language_of(user, redirect(safe_target(request) or "/"))

    def page(self, request: HttpRequest, form: forms.Form, status: int = 200) -> HttpResponse:
        return render(request, "accounts/sign_in.html", {"form": form, "next": safe_target(request)}, status=status)


class LinkView(View):
    """A one-time link: looking at it shows a button (mail scanners look too), pressing that signs in, once.

    Who has no password yet may set one here, and choose a language; both can be left empty.
    """

    def get(self, request: HttpRequest, text: str) -> HttpResponse:
        try:
            person = services.check_signin_link(text).user
        except services.LinkSpent:
            return self.spent(request)
        return self.page(request, person, None if person.has_usable_password() else FirstSteps())

    def post(self, request: HttpRequest, text: str) -> HttpResponse:
        try:
            person = services.check_signin_link(text).user
            form = FirstSteps(request.POST)
            if not self.usable(form, person):
                return self.page(request, person, form, 400)
            person = services.redeem_signin_link(text, address=address_of(request))
        except services.LinkSpent:
            return self.spent(request)
        self.take_over(form, person, request)
        sign_in(request, person)
        return in_language_of(person, redirect(safe_target(request) or services.page_after_sign_in(person)))

    def usable(self, form: FirstSteps, person: User) -> bool:
        if form.is_valid() and form.cleaned_data["password"]:
            try:
                services.check_password(form.cleaned_data["password"], person)
            except Invalid as invalid:
                add_problems(form, invalid)
        return form.is_valid()

    def take_over(self, form: FirstSteps, person: User, request: HttpRequest) -> None:
        """The password counts only for who has none: a link must not change one that is set."""
        if form.cleaned_data["language"]:
            services.save_profile(person, language=form.cleaned_data["language"])
        if form.cleaned_data["password"] and not person.has_usable_password():
            services.set_password(person, form.cleaned_data["password"], address=address_of(request))

    def page(self, request: HttpRequest, person: User, form: FirstSteps | None, status: int = 200) -> HttpResponse:
        return render(request, "accounts/signin_link.html", {"person": person, "form": form}, status=status)

    def spent(self, request: HttpRequest) -> HttpResponse:
        problem = _("This link was used already or has run out. Each one works once, for 24 hours.")
        return render(request, "accounts/signin_link.html", {"problem": problem}, status=410)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; the browser forgets what it cached of it."""
    logout(request)
    response = redirect("sign_in")
    response["Clear-Site-Data"] = '"cache"'
    return response


def locked_out(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponse:
    """429: too many failures from here; the right password does not help until the time is over."""
    form = SignIn({"username": request.POST.get("username", "")[:150]})
    form.full_clean()
    form.errors.clear()
    form.add_error(None, _("Too many failed tries from this address. Wait 15 minutes, then try again."))
    response = render(request, "accounts/sign_in.html", {"form": form, "next": safe_target(request)}, status=429)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


@requires_csrf_token
def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 of the CSRF check: the form was open for too long, or another site sent it."""
    text = _("This form is too old. Reload the page and try again.")
    return render(request, "403.html", {"exception": text}, status=403)


def safe_target(request: HttpRequest) -> str:
    """The `next` of this request if it is a page of ours, else ""."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    same = url_has_allowed_host_and_scheme(target, allowed_hosts=None, require_https=request.is_secure())
    return target if same and target.startswith("/") and "%2f%2f" not in target.lower()[:7] else ""


def in_language_of(user: User, response: HttpResponse) -> HttpResponse:
    """The pages that follow speak the language this person chose."""
    if user.language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            user.language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            httponly=True,
            samesite="Lax",
        )
    return response


def add_problems(form: forms.Form, invalid: Invalid) -> None:
    """Show each problem of a service at its field."""
    for problem in invalid.problems:
        sentence = _(problem.sentence) % problem.params if problem.params else _(problem.sentence)
        form.add_error(problem.path if problem.path in form.fields else None, sentence)
