"""The project that something belongs to when nobody named one."""

from typing import Any

from accounts.models import Project
from accounts.permissions import visible

DEFAULT_SLUG = "default"


def current(actor: Any) -> Project:
    """The default project of `actor`: the first one that they may see, else the server's first."""
    return visible(actor, Project.objects.order_by("id"), "").first() or default()


def named(actor: Any, slug: str) -> Project:
    """The project with this slug if `actor` may see it, the default one for "". Raises Project.DoesNotExist."""
    return visible(actor, Project.objects.all(), "").get(slug=slug) if slug else current(actor)


def default() -> Project:
    """The server's first project. It is made after the migrations, so there is always one."""
    return Project.default()


def make_default(**_sent: Any) -> None:
    """After migrations (and after a flush): the one project that everyone is in."""
    if not Project.objects.exists():
        Project.objects.create(slug=DEFAULT_SLUG, name="Default project")
