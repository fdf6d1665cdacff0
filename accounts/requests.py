"""Who a request comes from."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import User


def signed_in(request: HttpRequest) -> User:
    """The user of a view that lets nobody in who is not signed in (`login_required`, the admin)."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
