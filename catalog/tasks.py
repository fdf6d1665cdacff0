"""What the server worker does: import, build, tidy up. Each works in a child process and may be started twice."""

import os
import time
from typing import Any

from celery import shared_task

from catalog import places
from catalog.base_models import tokenizers
from catalog.children import reason, remove_directories, remove_unfinished
from catalog.following import follow, server_is_stopping
from catalog.locks import alone
from catalog.models import Dataset, DatasetVersion, PreparedData, PreparedState
from catalog.project_key import key_of
from catalog.services import fetching, importing, preparing, reviewing, sources
from catalog.uploaded import forget
from recipes import manifest as manifests
from recipes.sandbox.outside import Limits

SWEEP_AGAIN_S = 30
IMPORT_LIMITS = Limits(memory_bytes=2**31, file_bytes=2**31)
"""a table is held in memory while it is understood, and its rows lie in one file"""


@shared_task(name="catalog.tasks.import_dataset", bind=True)
def import_dataset(self, dataset_id: int) -> None:
    """Called directly instead of by the worker, it returns when the import has ended, whoever does it."""
    with alone(f"import-{int(dataset_id)}", wait=self.request.called_directly) as mine:
        dataset = importing.running(dataset_id).first() if mine else None
        if dataset and importing.progress(dataset, 0):
            _import(dataset)


@shared_task(name="catalog.tasks.build_prepared", bind=True)
def build_prepared(self, prepared_id: int) -> None:
    """Called directly instead of by the worker, it returns when the build has ended, whoever does it."""
    with alone(f"build-{int(prepared_id)}", wait=self.request.called_directly) as mine:
        if mine and preparing.progress(prepared_id, 0):
            _build(preparing.unfinished(prepared_id).select_related("version", "recipe", "like__version").get())


@shared_task(name="catalog.tasks.sweep_removed")
def sweep_removed(dataset_id: int) -> None:
    """Delete the files of a removed dataset that no other dataset shares."""
    dataset = Dataset.objects.exclude(removed_at=None).filter(pk=dataset_id).first()
    if dataset is None:
        return
    if _something_comes_in():
        sweep_removed.apply_async((dataset_id,), countdown=SWEEP_AGAIN_S, queue="server")
        return
    for source in (dataset.source, dataset.asked.get("source", {})):
        if "stored" in source:
            forget(places.upload(source["stored"]))
    importing.tidy(dataset.pk)
    for version in dataset.versions.all():
        if not _is_wanted(version.content_hash):
            remove_directories(places.version(version.content_hash), places.drawn(version.content_hash))
    kept = set(PreparedData.objects.filter(version__dataset__removed_at=None).values_list("hash", flat=True))
    for content_hash in PreparedData.objects.filter(version__dataset=dataset).values_list("hash", flat=True):
        if content_hash and content_hash not in kept:
            remove_directories(places.prepared_data(content_hash))


def _is_wanted(content_hash: str) -> bool:
    """By what waits for a decision (asked first: a commit makes it a version), or by a version."""
    living = Dataset.objects.filter(removed_at=None)
    if living.filter(found__hash=content_hash).exists():
        return True
    return DatasetVersion.objects.filter(dataset__in=living, content_hash=content_hash).exists()


def _something_comes_in() -> bool:
    """Whether files lie on the disk that no row names yet: the same content may be coming in anew."""
    living = Dataset.objects.filter(removed_at=None)
    building = PreparedData.objects.filter(state__in=[PreparedState.WAITING, PreparedState.BUILDING])
    return living.exclude(importing_since=None).exists() or building.filter(version__dataset__in=living).exists()


def _import(dataset: Dataset) -> None:
    if not fetching.is_complete(dataset):
        return
    request = {"parent": str(places.incoming(dataset.pk)), "options": dataset.asked["options"]}
    request["source"] = sources.for_child(dataset.asked["source"])
    answer = follow(
        "catalog.imports.work:import_dataset",
        request,
        lambda part: importing.progress(dataset, part),
        IMPORT_LIMITS,
    )
    if answer.stopped and server_is_stopping():
        importing.let_go(dataset)
    elif answer.result:
        reviewing.settle(dataset, answer.result)
    elif not answer.stopped:
        importing.fail(dataset, *reason(answer))
    importing.tidy(dataset.pk)


def _build(prepared: PreparedData) -> None:
    began = time.monotonic()
    version = places.version(prepared.version.content_hash)
    request = {"version": str(version), "steps": prepared.recipe.steps, "parent": str(places.prepared())}
    project = prepared.version.dataset.project
    request |= {"processes": os.cpu_count() or 1, "key": key_of(project)}
    request |= {"like": _likeness(prepared.like)} if prepared.like else {}
    try:
        request["tokenizers"] = tokenizers.directories(prepared.recipe.steps, project)
    except tokenizers.StillImporting:
        preparing.let_go(prepared.pk)  # it is sent again, like all work that fell silent
        return
    answer = follow("recipes.build:build", request, lambda part: preparing.progress(prepared.pk, part), Limits())
    remove_unfinished(places.prepared())
    if answer.result:
        manifest = manifests.read(places.prepared_data(answer.result["hash"]))
        preparing.finish(prepared.pk, manifest, time.monotonic() - began)
    elif answer.stopped:
        preparing.let_go(prepared.pk)
    else:
        preparing.fail(prepared.pk, *reason(answer))


def _likeness(model: PreparedData) -> dict[str, Any]:
    """What a model that learned from this data takes, as `recipes.likeness` reads it."""
    manifest = model.manifest
    return {
        "version": str(places.version(model.version.content_hash)),
        "hash": model.hash,
        "shape": manifest["input"]["shape"],
        "classes": manifest["classes"],
        "multi": manifest["target"].get("multi", False),
        "columns": model.version.schema.get("columns", []),
        "learned": {name: manifest[name] for name in ("on_device", "target_scale") if name in manifest},
    }
