"""Datasets: added, renamed, marked, removed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Project
from catalog import enqueue, names
from catalog.imports.options import Options
from catalog.models import Dataset, DatasetVersion
from catalog.services import importing, sources, web_sources
from catalog.services.sources import Source
from contract.problems import Invalid, Problem, gettext_noop

users_of_dataset: list[Callable[[Dataset], list[dict[str, Any]]]] = []
"""Apps upstairs add a function: what uses this dataset, each as {"text": "#12 digits", "url": "/jobs/12/"}."""


class InUse(Exception):
    """409: the dataset cannot go while these use it."""

    def __init__(self, users: list[dict[str, Any]]):
        self.users = users
        super().__init__(", ".join(user["text"] for user in users))


def add(
    owner: Any,
    project: Project,
    source: Source,
    *,
    name: str = "",
    options: Options | None = None,
    review: str = "never",
    demo: bool = False,
    via: str = "system",
    address: str | None = None,
) -> Dataset:
    """Register data from one of `catalog.services.sources` and begin to import it. `review`: whether it asks before
    it is a version, one of `reviewing.REVIEWS`. Raises Invalid.
    """
    with sources.dropped_on_failure(source), transaction.atomic():
        shown = names.checked(name or _name_of(source))
        dataset = _create(owner, project, shown, source, demo)
        audit.record(owner, "added", dataset, via=via, after={"source": dataset.source}, address=address)
        importing.begin(dataset, source, options or Options(), review)
    return dataset


def add_builtin(owner: Any, project: Project, builtin: str, *, name: str | None = None, **how: Any) -> Dataset:
    """One of BUILTINS. Raises Invalid."""
    return add(owner, project, sources.builtin(builtin), name=name or "", **how)


def add_upload(
    owner: Any, project: Project, name: str, uploaded_file: UploadedFile, *, via: str = "page", **how: Any
) -> Dataset:
    """A file that came with a request: an archive, or a table. Raises Invalid."""
    return add(owner, project, sources.file(uploaded_file), name=name, via=via, **how)


def add_version(
    dataset: Dataset,
    source: Source | None,
    options: Options,
    actor: Any,
    *,
    review: str = "never",
    via: str,
    address: str | None = None,
) -> None:
    """Import more: another source, or (None) what waits for a decision or the newest version came from, read otherwise.

    Raises Invalid, Busy.
    """
    source = source or sources.to_read_again(dataset)
    if source is None:
        sentence = gettext_noop("What this dataset came from is not kept. Upload it again.")
        raise Invalid([Problem("file", sentence)])
    kept = {dataset.source.get("stored"), dataset.found.get("source", {}).get("stored")}
    with sources.dropped_on_failure(source if source.get("stored") not in kept else {}), transaction.atomic():
        after = {"source": source, "options": options.to_json()}
        audit.record(actor, "imported", dataset, via=via, after=after, address=address)
        importing.begin(dataset, source, options, review)


def clean(version: DatasetVersion, without: Any, actor: Any, *, via: str, address: str | None = None) -> None:
    """Make a version without what the checks of this one list (of `imports.cleaning.WITHOUT`; "": all of it).

    Raises Invalid, Busy.
    """
    options = Options.parse(version.options)
    add_version(version.dataset, sources.cleaned(version, without), options, actor, via=via, address=address)


@transaction.atomic
def rename(dataset: Dataset, name: str, actor: Any, *, via: str, address: str | None = None) -> None:
    """The slug stays, so links go on working. Raises Invalid."""
    _change(dataset, "renamed", {"name": names.checked(name)}, actor, via, address)


@transaction.atomic
def set_sensitive(dataset: Dataset, sensitive: bool, actor: Any, *, via: str, address: str | None = None) -> None:
    """Raw samples of a sensitive dataset are shown to operators only. Raises Invalid."""
    if not isinstance(sensitive, bool):
        raise Invalid([Problem("sensitive", gettext_noop("Expected true or false."))])
    _change(dataset, "marked", {"sensitive": sensitive}, actor, via, address)


@transaction.atomic
def remove(dataset: Dataset, actor: Any, *, via: str, address: str | None = None) -> bool:
    """Hide the dataset, stop its import, and let its files go. Raises InUse. False when it was removed before."""
    users = [user for ask in users_of_dataset for user in ask(dataset)]
    if users:
        raise InUse(users)
    rows = Dataset.objects.filter(pk=dataset.pk, removed_at=None)
    if not rows.update(removed_at=timezone.now(), removed_by=actor):
        return False
    dataset.refresh_from_db()
    audit.record(actor, "removed", dataset, via=via, address=address)
    enqueue.sweep_after_commit(dataset.pk)
    return True


def _create(owner: Any, project: Project, name: str, source: Source, demo: bool) -> Dataset:
    task = sources.BUILTIN_TASKS.get(source.get("builtin", ""), "")
    if "builtin" in source:
        _free_slug(source["builtin"])
    return names.with_slug(
        name,
        lambda slug: Dataset.objects.create(
            slug=slug, name=name, owner=owner, project=project, task=task, source=source, demo=demo
        ),
    )


def _free_slug(builtin: str) -> None:
    """A set that ships is the same each time it is added: a removed one leaves its short name to the next."""
    removed = Dataset.objects.exclude(removed_at=None).filter(slug=builtin, source__builtin=builtin).first()
    if removed is not None:
        Dataset.objects.filter(pk=removed.pk).update(slug=f"{builtin}-removed-{removed.pk}")


def _name_of(source: Source) -> str:
    """What people would call it: the name of the file without its endings."""
    if "builtin" in source:
        return source["builtin"]
    if web_sources.is_web(source):
        return web_sources.name_of(source)
    path = Path(source.get("file") or source.get("directory") or "")
    stem = path.stem.removesuffix(".tar") if "file" in source else path.name
    return stem or "dataset"


def _change(dataset: Dataset, verb: str, values: dict[str, Any], actor: Any, via: str, address: str | None) -> None:
    before = {name: getattr(dataset, name) for name in values}
    if before == values or not Dataset.objects.filter(pk=dataset.pk, removed_at=None).update(**values):
        return
    dataset.refresh_from_db()
    audit.record(actor, verb, dataset, via=via, before=before, after=values, address=address)
