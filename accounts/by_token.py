"""Views outside of REST that programs may ask too."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponseBase
from rest_framework.exceptions import AuthenticationFailed

from accounts.authentication import TokenAuthentication
from config.rest import problem


def also_by_token(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For whoever is signed in, or sends a token: `request.auth` is the token, None with a session."""

    @wraps(view)
    def inner(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            found = TokenAuthentication().authenticate(request)
        except AuthenticationFailed as error:
            answer = problem(401, str(error.detail))
            answer["WWW-Authenticate"] = "Bearer"
            return answer
        if found is None:
            request.auth = None
            return login_required(view)(request, *args, **kwargs)
        request.user, request.auth = found
        return view(request, *args, **kwargs)

    return inner
