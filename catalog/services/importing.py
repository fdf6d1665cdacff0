"""The life of an import, as its worker tells it. Each step is a conditional update: the row count says who won."""

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog.models import Dataset, DatasetState, DatasetVersion


def running(dataset_id: int):
    """The row of an import that is still wanted."""
    return Dataset.objects.filter(pk=dataset_id, state=DatasetState.IMPORTING, removed_at=None)


def progress(dataset_id: int, part: float) -> bool:
    """Note how far it is and that somebody works on it. False: it is not wanted any more."""
    return bool(running(dataset_id).update(progress=part, worker_seen_at=timezone.now()))


def let_go(dataset_id: int) -> None:
    """The worker stops before the end: somebody else may take it up at once."""
    running(dataset_id).update(worker_seen_at=None)


@transaction.atomic
def finish(dataset_id: int, result: dict[str, Any]) -> bool:
    """The version is on disk. `result` is what `catalog.imports.work` answers. False when nobody wants it any more."""
    if not running(dataset_id).update(state=DatasetState.READY, progress=1, worker_seen_at=None):
        return False
    last = DatasetVersion.objects.filter(dataset=dataset_id).aggregate(last=Max("number"))["last"] or 0
    DatasetVersion.objects.get_or_create(
        dataset_id=dataset_id,
        content_hash=result["hash"],
        defaults={
            "number": last + 1,
            "schema": result["schema"],
            "splits": result["splits"],
            "items": result["items"],
            "bytes": result["bytes"],
        },
    )
    return True


def fail(dataset_id: int, sentence: str, params: dict[str, Any]) -> bool:
    """It cannot be imported; `sentence` with `params` says why and what to do."""
    return bool(
        running(dataset_id).update(state=DatasetState.FAILED, error=sentence, error_params=params, worker_seen_at=None)
    )
