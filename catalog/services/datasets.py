"""Datasets: added, renamed, marked, removed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Project
from catalog import enqueue, names, places
from catalog.models import Dataset
from catalog.uploaded import keep
from contract.problems import Invalid, Problem, gettext_noop, unknown

BUILTINS = {
    "mnist-5k": gettext_noop("MNIST, 5,000 handwritten digits (28 × 28)"),
    "digits-8x8": gettext_noop("Handwritten digits (8 × 8)"),
}
"""name → what the page calls it"""
CLASSIFICATION = "image-classification"
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")

users_of_dataset: list[Callable[[Dataset], list[dict[str, Any]]]] = []
"""Apps upstairs add a function: what uses this dataset, each as {"text": "#12 digits", "url": "/jobs/12/"}."""


class InUse(Exception):
    """409: the dataset cannot go while these use it."""

    def __init__(self, users: list[dict[str, Any]]):
        self.users = users
        super().__init__(", ".join(user["text"] for user in users))


def add_builtin(
    owner: Any,
    project: Project,
    builtin: str,
    *,
    name: str | None = None,
    demo: bool = False,
    via: str = "system",
    address: str | None = None,
) -> Dataset:
    """Register one of BUILTINS and begin to import it. Raises Invalid."""
    if not isinstance(builtin, str) or builtin not in BUILTINS:
        raise Invalid([unknown("builtin", str(builtin), BUILTINS)])
    shown = names.checked(name or builtin)
    with transaction.atomic():
        dataset = _create(owner, project, shown, {"builtin": builtin}, demo)
        _recorded(owner, dataset, via, address)
        enqueue.import_after_commit(dataset.pk)
    return dataset


def add_upload(
    owner: Any,
    project: Project,
    name: str,
    uploaded_file: UploadedFile,
    *,
    via: str = "page",
    address: str | None = None,
) -> Dataset:
    """Keep a zip of class folders and begin to import it. Raises Invalid at once when it is no zip at all."""
    shown = names.checked(name or Path(uploaded_file.name or "").stem or "dataset")
    _refuse_other_than_zip(uploaded_file)
    source = {"file": Path(uploaded_file.name or "").name[:240], "bytes": uploaded_file.size}
    with transaction.atomic():
        dataset = _create(owner, project, shown, source, demo=False)
        keep(uploaded_file, places.upload(dataset.pk))
        _recorded(owner, dataset, via, address)
        enqueue.import_after_commit(dataset.pk)
    return dataset


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


def _create(owner: Any, project: Project, name: str, source: dict[str, Any], demo: bool) -> Dataset:
    return names.with_slug(
        name,
        lambda slug: Dataset.objects.create(
            slug=slug, name=name, owner=owner, project=project, task=CLASSIFICATION, source=source, demo=demo
        ),
    )


def _recorded(owner: Any, dataset: Dataset, via: str, address: str | None) -> None:
    audit.record(owner, "added", dataset, via=via, after={"source": dataset.source}, address=address)


def _change(dataset: Dataset, verb: str, values: dict[str, Any], actor: Any, via: str, address: str | None) -> None:
    before = {name: getattr(dataset, name) for name in values}
    if before == values or not Dataset.objects.filter(pk=dataset.pk, removed_at=None).update(**values):
        return
    dataset.refresh_from_db()
    audit.record(actor, verb, dataset, via=via, before=before, after=values, address=address)


def _refuse_other_than_zip(uploaded_file: UploadedFile) -> None:
    start = uploaded_file.read(4)
    uploaded_file.seek(0)
    if not start.startswith(ZIP_STARTS):
        sentence = gettext_noop("This is not a zip archive. Put each class of pictures into a folder and zip them.")
        raise Invalid([Problem("file", sentence)])
