"""Unfinished forms, kept on the server so that leaving a page loses nothing. A draft is never a job."""

from datetime import datetime
from typing import Any

from accounts.models import Draft, Project, User


class ChangedMeanwhile(Exception):
    """The draft was saved somewhere else since it was read."""


def keep(
    owner: User, project: Project, kind: str, data: dict[str, Any], *, draft: Draft | None = None, seen: str = ""
) -> Draft:
    """Save `data`, in `draft` or a new one. `seen`: the `updated_at` that the writer last saw; another now → raises."""
    if draft is None:
        return Draft.objects.create(owner=owner, project=project, kind=kind, data=data)
    if seen and stamp(draft.updated_at) != seen:
        raise ChangedMeanwhile
    draft.data = data
    draft.save(update_fields=["data", "updated_at"])
    return draft


def find(owner: User, kind: str, number: int | None) -> Draft | None:
    """The owner's own draft with this number; None when there is none."""
    return Draft.objects.filter(owner=owner, kind=kind, pk=number).first() if number else None


def of(owner: User, kind: str) -> list[Draft]:
    """The owner's newest five drafts of this kind."""
    return list(Draft.objects.filter(owner=owner, kind=kind).order_by("-updated_at")[:5])


def forget(draft: Draft | None) -> None:
    if draft is not None:
        draft.delete()


def stamp(moment: datetime) -> str:
    """What `keep` compares to see that nobody else saved in between."""
    return moment.isoformat()
