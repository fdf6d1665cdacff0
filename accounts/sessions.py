"""How long a browser stays signed in: 12 hours without a visit, 7 days in all. A new session key at each sign-in."""

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, login, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User

IN_ALL_S = 7 * 24 * 3600
TOUCHED_EVERY_S = 600
"""A visit prolongs the session at most this often, so that reading a page writes nothing most of the time."""
SIGNED_IN_AT, SEEN_AT = "signed_in_at", "seen_at"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def sign_in(request: HttpRequest, user: User) -> None:
    """Sign `user` in under a new session key, and start both clocks."""
    login(request, user, backend=BACKEND)
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = int(time.time())


def sessions_end(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: sign out who has been signed in for too long, prolong the stay of everyone else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session:
            now = int(time.time())
            if too_old(request.session, now):
                logout(request)
            elif now - request.session.get(SEEN_AT, 0) > TOUCHED_EVERY_S:
                request.session.setdefault(SIGNED_IN_AT, now)
                request.session[SEEN_AT] = now
        return get_response(request)

    return middleware


def own_time_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: times on pages are in the zone that the reader chose."""

    def middleware(request: HttpRequest) -> HttpResponse:
        chosen = request.user.time_zone if SESSION_KEY in request.session and request.user.is_authenticated else ""
        with timezone.override(chosen or None):
            return get_response(request)

    return middleware


def too_old(session: SessionBase, now: float) -> bool:
    """Whether the session has lasted its 7 days."""
    return now - session.get(SIGNED_IN_AT, now) > IN_ALL_S


def user_of(session: Any) -> User | None:
    """Whom this session signs in right now, read from the database: for sockets, which outlive a request.

    `session` is a SessionBase that was loaded anew; None when it is gone, too old, or its user is no longer active.
    """
    if session is None or session.get(BACKEND_SESSION_KEY) != BACKEND or too_old(session, time.time()):
        return None
    user = User.objects.filter(pk=session.get(SESSION_KEY), is_active=True).first()
    if user is None or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    return user
