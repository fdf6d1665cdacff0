"""The life of an import, as its worker tells it. Each step is a conditional update: the row count says who won."""

from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from accounts import audit
from catalog import enqueue, places
from catalog.imports.options import Options
from catalog.models import Dataset, DatasetState, DatasetVersion
from catalog.uploaded import forget as forget_place
from contract.problems import gettext_noop

STOPPED = gettext_noop("%(who)s stopped the import.")


class Busy(Exception):
    """409: an import runs already."""


def begin(dataset: Dataset, source: dict[str, Any], options: Options) -> None:
    """In the caller's transaction. Raises Busy."""
    rows = Dataset.objects.filter(pk=dataset.pk, removed_at=None, importing_since=None)
    began = rows.update(
        asked={"source": source, "options": options.to_json()},
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
    source = dataset.asked["source"]
    ended = {"state": DatasetState.READY, "task": result["task"], "source": source}
    with transaction.atomic():
        if not running(dataset.pk, dataset.import_number).update(**ended, **_ended(progress=1)):
            return False
        number = _keep_version(dataset, result)
        Dataset.objects.filter(pk=dataset.pk).update(asked=dataset.asked | {"version": number})
    _forget_files(dataset, kept=source)
    return True


def fail(dataset: Dataset, sentence: str, params: dict[str, Any]) -> bool:
    """It cannot be imported; `sentence` with `params` says why and what to do. Earlier versions stay as they are."""
    state = DatasetState.READY if dataset.versions.exists() else DatasetState.FAILED
    ended = _ended(state=state, error=sentence, error_params=params)
    if not running(dataset.pk, dataset.import_number).update(**ended):
        return False
    _forget_files(dataset, kept=dataset.source if state == DatasetState.READY else {})
    return True


@transaction.atomic
def cancel(dataset: Dataset, actor: Any, *, via: str, address: str | None = None) -> bool:
    """Somebody does not want it any more; its process ends within a second. False when no import runs."""
    if not fail(dataset, STOPPED, {"who": actor.username}):
        return False
    audit.record(actor, "stopped", dataset, via=via, address=address)
    return True


def _ended(**more: Any) -> dict[str, Any]:
    return {"importing_since": None, "worker_seen_at": None, **more}


def _keep_version(dataset: Dataset, result: dict[str, Any]) -> int:
    """The number of the version with this content: a new one, or the one that has it already."""
    last = DatasetVersion.objects.filter(dataset=dataset).aggregate(last=Max("number"))["last"] or 0
    facts = {name: result[name] for name in ("schema", "splits", "items", "bytes")}
    version, _ = DatasetVersion.objects.get_or_create(
        dataset=dataset, content_hash=result["hash"], defaults={"number": last + 1, **facts, **dataset.asked}
    )
    return version.number


def _forget_files(dataset: Dataset, kept: dict[str, Any]) -> None:
    """What was handed in for this dataset and no row names now."""
    sources = (dataset.source, dataset.asked["source"])
    for name in {source["stored"] for source in sources if "stored" in source} - {kept.get("stored")}:
        forget_place(places.upload(name))
