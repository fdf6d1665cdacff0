"""API tokens: `Authorization: Bearer flt_…`, never in a URL. `request.auth` is then the Token whose scope caps it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

from accounts import secret_text
from accounts.models import Token, User

LAST_USED_EVERY = timedelta(seconds=60)
"""`last_used_at` is written at most this often, so that reading costs no write."""


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[User, Token] | None:
        """The token's owner and the token, None without a bearer header. A bad token is a 401, never anonymous."""
        scheme, _space, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = live_token(text.strip())
        if token is None:
            raise AuthenticationFailed(_("This token is unknown, expired or revoked. Make a new one in Settings."))
        return token.user, token

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


def live_token(text: str) -> Token | None:
    """The token with this text, if it may still be used and its owner is active."""
    if not text.startswith(secret_text.TOKEN_PREFIX):
        return None
    now = timezone.now()
    token = Token.objects.select_related("user").filter(digest=secret_text.digest(text)).first()
    if token is None or not secret_text.matches(text, token.digest):
        return None
    if token.revoked_at or token.expires_at <= now or not token.user.is_active:
        return None
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


class SessionOnly(BasePermission):
    """For what decides who may get in: people, projects, tokens, join tokens, settings. Reading is for tokens too."""

    message = _("A token may not do this. Sign in on the page and do it there.")

    def has_permission(self, request: Any, view: Any) -> bool:
        return request.auth is None


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "flt_…"}
