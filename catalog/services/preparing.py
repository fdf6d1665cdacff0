"""Prepared data: asked for, built, failed."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog import enqueue
from catalog.models import DatasetVersion, PreparedData, PreparedState, Recipe
from recipes import recipe as recipes


@transaction.atomic
def prepare(version: DatasetVersion, steps: list[dict[str, Any]], like: PreparedData | None = None) -> PreparedData:
    """The prepared data of `version` after `steps`, there or on its way. One that failed is tried again.

    `like`: the data that a model learned from, to make `version` as that model takes it. Raises Invalid when the steps
    are no recipe.
    """
    recipe = keep_recipe(steps, kind=version.schema["kind"])
    prepared, created = PreparedData.objects.get_or_create(version=version, recipe=recipe, like=like)
    again = {"state": PreparedState.WAITING, "progress": 0, "error": "", "error_params": {}, "worker_seen_at": None}
    retried = PreparedData.objects.filter(pk=prepared.pk, state=PreparedState.FAILED).update(**again)
    if created or retried:
        prepared.refresh_from_db()
        enqueue.build_after_commit(prepared.pk)
    return prepared


def keep_recipe(steps: Any, path: str = "recipe", kind: str = "") -> Recipe:
    """The row of this recipe, with every parameter written out. Raises Invalid, each problem under `path`."""
    recipe = recipes.Recipe.parse(steps, path, kind)
    return Recipe.objects.get_or_create(hash=recipe.hash, defaults={"steps": recipe.to_json()})[0]


def prepared_of(version: DatasetVersion, steps: list[dict[str, Any]]) -> PreparedData | None:
    """The same, if somebody has asked for it before."""
    recipe = recipes.Recipe.parse(steps, "recipe", version.schema["kind"])
    return PreparedData.objects.filter(version=version, recipe__hash=recipe.hash, like=None).first()


def unfinished(prepared_id: int):
    """The row of data that still has to be built."""
    states = [PreparedState.WAITING, PreparedState.BUILDING]
    return PreparedData.objects.filter(pk=prepared_id, state__in=states)


def progress(prepared_id: int, part: float) -> bool:
    """Note how far it is and that somebody works on it. False: it is not wanted any more."""
    rows = unfinished(prepared_id).filter(version__dataset__removed_at=None)
    changes = {"state": PreparedState.BUILDING, "progress": part, "worker_seen_at": timezone.now()}
    return bool(PreparedData.objects.filter(pk__in=rows.values("pk")).update(**changes))


def let_go(prepared_id: int) -> None:
    """The worker stops before the end: somebody else may take it up at once."""
    unfinished(prepared_id).update(state=PreparedState.WAITING, worker_seen_at=None)


def finish(prepared_id: int, manifest: dict[str, Any], seconds: float) -> bool:
    """The data lies under its hash."""
    return bool(
        unfinished(prepared_id).update(
            state=PreparedState.READY,
            progress=1,
            hash=manifest["hash"],
            manifest=manifest,
            bytes=sum(entry["bytes"] for entry in manifest["files"]),
            seconds=seconds,
            worker_seen_at=None,
        )
    )


def fail(prepared_id: int, sentence: str, params: dict[str, Any]) -> bool:
    """It cannot be built; `sentence` with `params` says why and what to do."""
    return bool(
        unfinished(prepared_id).update(
            state=PreparedState.FAILED, error=sentence, error_params=params, worker_seen_at=None
        )
    )


def ready_with(hashes: set[str]):
    """The rows whose data has one of these hashes."""
    return PreparedData.objects.filter(Q(hash__in=hashes), state=PreparedState.READY)
