"""The life of an import, as its worker tells it. Each step is a conditional update: the row count says who won.

What is read lies in a place of the dataset's own (`places.incoming`) and becomes a version in one step at the end.
"""

import os
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from catalog import enqueue, locks, places
from catalog.children import remove_directories
from catalog.imports.options import Options
from catalog.models import Dataset, DatasetState, DatasetVersion
from catalog.uploaded import forget as forget_place
from contract.problems import gettext_noop

BUSY = gettext_noop("Another import of this dataset runs, or waits for a decision. End that one first.")
ENDED: dict[str, Any] = {"importing_since": None, "worker_seen_at": None}


class Busy(Exception):
    """409: BUSY says why."""


def begin(dataset: Dataset, source: dict[str, Any], options: Options, review: str = "never") -> None:
    """In the caller's transaction. `review`: one of `reviewing.REVIEWS`. Raises Busy."""
    rows = Dataset.objects.filter(pk=dataset.pk, removed_at=None, importing_since=None)
    if source != dataset.found.get("source"):  # what waits for a decision may be read otherwise, and nothing else
        rows = rows.filter(found_at=None)
    began = rows.update(
        asked={"source": source, "options": options.to_json(), "review": review},
        importing_since=timezone.now(),
        import_number=F("import_number") + 1,
        progress=0,
        worker_seen_at=None,
        error="",
        error_params={},
    )
    if not began:
        raise Busy
    Dataset.objects.filter(pk=dataset.pk).exclude(state=DatasetState.READY).update(state=DatasetState.IMPORTING)
    dataset.refresh_from_db()
    enqueue.import_after_commit(dataset.pk)


def running(dataset_id: int, number: int | None = None):
    """The row of a dataset whose import is still wanted (import `number`, or whichever it is)."""
    rows = Dataset.objects.filter(pk=dataset_id, removed_at=None).exclude(importing_since=None)
    return rows if number is None else rows.filter(import_number=number)


def progress(dataset: Dataset, part: float) -> bool:
    """Note how far it is and that somebody works on it. False: it is not wanted any more."""
    return bool(running(dataset.pk, dataset.import_number).update(progress=part, worker_seen_at=timezone.now()))


def let_go(dataset: Dataset) -> None:
    """The worker stops before the end: somebody else may take it up at once."""
    running(dataset.pk, dataset.import_number).update(worker_seen_at=None)


def note_fetched(dataset: Dataset, summary: dict[str, Any]) -> bool:
    """What its source names on the web lies on this disk now; `summary` says what came. False: nobody wants it now."""
    source = dataset.asked["source"] | {"fetched": summary | {"at": timezone.now().isoformat(timespec="seconds")}}
    if "file" in summary:
        source |= {"file": summary["file"], "bytes": summary["bytes"]}
    dataset.asked = dataset.asked | {"source": source}
    return bool(running(dataset.pk, dataset.import_number).update(asked=dataset.asked, worker_seen_at=timezone.now()))


def finish(dataset: Dataset, result: dict[str, Any]) -> bool:
    """The version is on disk. `result` is what `catalog.imports.work` answers. False when nobody wants it any more."""
    return keep(dataset, running(dataset.pk, dataset.import_number), result)


def fail(dataset: Dataset, sentence: str, params: dict[str, Any]) -> bool:
    """It cannot be imported; `sentence` with `params` says why and what to do. Earlier versions stay as they are."""
    told: dict[str, Any] = {"error": sentence, "error_params": params, "state": resting_state(dataset)}
    if dataset.found:  # it was read otherwise, in vain: what was found before still waits
        told["asked"] = dataset.asked | {name: dataset.found[name] for name in ("source", "options")}
    if not running(dataset.pk, dataset.import_number).update(**ENDED, **told):
        return False
    if not dataset.found:
        forget_files(dataset, kept=dataset.source if told["state"] == DatasetState.READY else {})
    return True


def keep(dataset: Dataset, rows: Any, result: dict[str, Any]) -> bool:
    """Make what was read a version, when one of `rows` is still there."""
    source = dataset.asked["source"]
    ended = {"state": DatasetState.READY, "task": result["task"], "source": source, "progress": 1}
    with transaction.atomic():
        if not rows.update(**ENDED, **ended, found={}, found_at=None, error="", error_params={}):
            return False
        _place_files(dataset, result["hash"])
        number = _keep_row(dataset, result)
        Dataset.objects.filter(pk=dataset.pk).update(asked=dataset.asked | {"version": number})
    forget_files(dataset, kept=source)
    return True


def forget_files(dataset: Dataset, kept: dict[str, Any]) -> None:
    """What was handed in for this dataset and no row names now."""
    sources = (dataset.source, dataset.asked["source"])
    for name in {source["stored"] for source in sources if "stored" in source} - {kept.get("stored")}:
        forget_place(places.upload(name))


def tidy(dataset_id: int) -> None:
    """Leave nothing of what imports of a dataset have written but what waits for a decision."""
    found = Dataset.objects.filter(pk=dataset_id, removed_at=None).values_list("found", flat=True).first() or {}
    place = places.incoming(dataset_id)
    if place.is_dir():
        remove_directories(*(path for path in place.iterdir() if path.name != found.get("hash")))
    if not found:
        remove_directories(place)


def resting_state(dataset: Dataset) -> str:
    """The state of a dataset whose import ended without a version."""
    if dataset.versions.exists():
        return DatasetState.READY
    return DatasetState.REVIEW if dataset.found else DatasetState.FAILED


def _place_files(dataset: Dataset, content_hash: str) -> None:
    """Into the place of that content; what lies there already stays. (None are left after a commit that broke off.)"""
    read, place = places.incoming(dataset.pk) / content_hash, places.version(content_hash)
    with locks.drawing(content_hash):
        if read.exists() and place.exists():
            remove_directories(read)
        elif read.exists():
            os.rename(read, places.versions() / content_hash)
    with suppress(OSError):
        read.parent.rmdir()  # where nothing else lies


def _keep_row(dataset: Dataset, result: dict[str, Any]) -> int:
    """The number of the version with this content: a new one, or the one that has it already."""
    last = DatasetVersion.objects.filter(dataset=dataset).aggregate(last=Max("number"))["last"] or 0
    facts = {name: result[name] for name in ("schema", "splits", "items", "bytes")}
    facts |= {name: dataset.asked[name] for name in ("source", "options")}
    version, _ = DatasetVersion.objects.get_or_create(
        dataset=dataset, content_hash=result["hash"], defaults={"number": last + 1, **facts}
    )
    return version.number
