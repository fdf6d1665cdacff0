"""Who may open a websocket, and whether they still may: asked at the door and again every few seconds."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from asgiref.sync import async_to_sync
from channels.auth import get_user
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts.authentication import live_token
from accounts.models import Token, User

DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Reader:
    """Who reads, and with which token, when not by a session."""

    user: User
    token: Token | None = None
    language: str = settings.LANGUAGE_CODE


def origin_fits(scope: dict[str, Any]) -> bool:
    """Whether scheme, host and port of `Origin` are those of the request. Without `Origin`: only with a bearer token
    and no cookie, which no browser sends by itself."""
    origin, host = header(scope, b"origin"), header(scope, b"host")
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    if not origin:
        return bool(bearer(scope)) and not header(scope, b"cookie")
    scheme = "https" if scope.get("scheme") in ("wss", "https") else "http"
    return _place(origin) == _place(f"{scheme}://{host}")


def reader_of(scope: dict[str, Any]) -> Reader | None:
    """The reader as the database knows them now: by bearer token, else by session. Reads the database (sync)."""
    text = bearer(scope)
    if text:
        token = live_token(text)
        return Reader(token.user, token, language_of(scope, token.user)) if token else None
    session = scope.get("session")
    if session is None or not session.session_key:
        return None
    store = import_module(settings.SESSION_ENGINE).SessionStore(session.session_key)
    user = async_to_sync(get_user)({"session": store})
    return Reader(user, None, language_of(scope, user)) if user.is_authenticated and user.is_active else None


def language_of(scope: dict[str, Any], user: User) -> str:
    """The language in which a page would greet this reader."""
    wishes = [user.language, *(code for code, _weight in parse_accept_lang_header(header(scope, b"accept-language")))]
    for wish in wishes:
        try:
            return get_supported_language_variant(wish)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


def bearer(scope: dict[str, Any]) -> str:
    kind, _space, text = header(scope, b"authorization").partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


def header(scope: dict[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _place(origin: str) -> tuple[str, str, str] | None:
    scheme, separator, rest = origin.lower().partition("://")
    if not separator or scheme not in DEFAULT_PORTS:
        return None
    host, port = split_domain_port(rest)
    return (scheme, host, port or DEFAULT_PORTS[scheme]) if host else None
