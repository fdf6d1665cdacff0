"""What was found is shown before it is a version: somebody says import it, read it otherwise, or cancel.

While it waits nothing else sees it: it is no row of versions and lies in a place of its own.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from catalog import locks, places
from catalog.children import remove_directories
from catalog.models import Dataset, DatasetState, DatasetVersion
from catalog.services import importing
from contract.problems import gettext_noop

REVIEWS = ("never", "unclear", "always")
"""when an import waits for a decision; unclear: when something had to be guessed or was left out"""
GUESSED = ("table", "file-list", "box-list", "parquet-pictures", "web")
"""layouts whose columns had to be interpreted, or of which nobody knew before what would come"""
KEPT_FOR = timedelta(days=7)
STOPPED = gettext_noop("%(who)s stopped the import.")
NOTHING_WAITS = gettext_noop("Nothing waits for a decision here, or it was read again since you looked.")
ABANDONED = gettext_noop("Nobody decided about it within %(days)s days. Add the data again.")


class NothingWaits(Exception):
    """409: NOTHING_WAITS says why."""


def settle(dataset: Dataset, result: dict[str, Any]) -> bool:
    """The data is read: make it a version, or wait for a decision. False when nobody wants it any more."""
    if not _is_asked(dataset.asked.get("review", "never"), result):
        return importing.finish(dataset, result)
    found = result | {name: dataset.asked[name] for name in ("source", "options")}
    state = DatasetState.READY if dataset.versions.exists() else DatasetState.REVIEW
    told = {"found": found, "found_at": timezone.now(), "state": state, "progress": 1, "error": "", "error_params": {}}
    return bool(importing.running(dataset.pk, dataset.import_number).update(**importing.ENDED, **told))


@transaction.atomic
def commit(dataset: Dataset, actor: Any, seen: str = "", *, via: str, address: str | None = None) -> None:
    """Import what was found. `seen`: its hash, where the actor has seen it. Raises NothingWaits."""
    if not dataset.found or (seen and seen != dataset.found["hash"]):
        raise NothingWaits
    if not importing.keep(dataset, _waiting(dataset), dataset.found):
        raise NothingWaits
    audit.record(actor, "committed", dataset, via=via, after={"hash": dataset.found["hash"]}, address=address)


@transaction.atomic
def cancel(dataset: Dataset, actor: Any, *, via: str, address: str | None = None) -> bool:
    """Somebody does not want it any more: the import that runs (its process ends within a second), or what it found.

    False when there is neither.
    """
    told = (STOPPED, {"who": actor.username})
    if not (importing.fail(dataset, *told) or _drop(dataset, *told)):
        return False
    audit.record(actor, "stopped", dataset, via=via, address=address)
    return True


def forget_abandoned(now: datetime) -> None:
    """What nobody has decided about for KEPT_FOR goes."""
    for dataset in Dataset.objects.filter(found_at__lt=now - KEPT_FOR, importing_since=None, removed_at=None):
        _drop(dataset, ABANDONED, {"days": KEPT_FOR.days})


def waits_until(dataset: Dataset) -> datetime | None:
    return dataset.found_at + KEPT_FOR if dataset.found_at else None


def _is_asked(review: str, result: dict[str, Any]) -> bool:
    schema = result["schema"]
    unclear = schema["layout"] in GUESSED or schema["unreadable_count"] > 0
    return review == "always" or (review == "unclear" and unclear)


def _waiting(dataset: Dataset):
    """The row, while exactly what `dataset` holds waits for a decision."""
    return Dataset.objects.filter(
        pk=dataset.pk, removed_at=None, importing_since=None, import_number=dataset.import_number
    ).exclude(found_at=None)


def _drop(dataset: Dataset, sentence: str, params: dict[str, Any]) -> bool:
    state = DatasetState.READY if dataset.versions.exists() else DatasetState.FAILED
    told: dict[str, Any] = {"found": {}, "found_at": None, "error": sentence, "error_params": params}
    if not _waiting(dataset).update(state=state, **told):
        return False
    importing.forget_files(dataset, kept=dataset.source if state == DatasetState.READY else {})
    with locks.drawing(dataset.found["hash"]):
        remove_directories(places.incoming(dataset.pk))
        if not DatasetVersion.objects.filter(content_hash=dataset.found["hash"]).exists():
            remove_directories(places.drawn(dataset.found["hash"]))
    return True
