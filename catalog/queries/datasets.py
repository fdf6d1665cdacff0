"""Datasets and their versions, as REST answers them and pages show them."""

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.permissions import visible
from catalog import recipes
from catalog.models import Dataset, DatasetState, DatasetVersion, PreparedData
from catalog.queries.concerns import warnings
from catalog.queries.devices import readiness
from catalog.queries.fetching import fetched, fetching
from catalog.services import reviewing

LEFT_OUT_TOLD = 20
"""of what an import could not use, beside a dataset; a version tells up to 1000"""


def datasets_of(actor: Any) -> QuerySet[Dataset]:
    """The datasets that `actor` may see, newest first, each with its versions at hand."""
    return _seen_by(actor).filter(removed_at=None)


def dataset_for(actor: Any, slug: str) -> Dataset:
    """Raises Dataset.DoesNotExist for one that is unknown, removed, or not for this actor: they look the same."""
    return datasets_of(actor).get(slug=slug)


def removed_for(actor: Any, slug: str) -> Dataset | None:
    """The removed dataset with this slug, for an answer that says who removed it and when."""
    return _seen_by(actor).exclude(removed_at=None).select_related("removed_by").filter(slug=slug).first()


def latest(dataset: Dataset) -> DatasetVersion | None:
    """The newest version; None while the first is being imported, or when that failed."""
    return next(iter(dataset.versions.all()), None)


def newest_prepared(version: DatasetVersion | None) -> PreparedData | None:
    return version.prepared.select_related("recipe").order_by("-pk").first() if version else None


def state_of(dataset: Dataset) -> str:
    """importing while any import runs, review while one waits; else ready from the first version on, or failed."""
    if dataset.importing_since:
        return DatasetState.IMPORTING.value
    return DatasetState.REVIEW.value if dataset.found_at else dataset.state


def in_state(datasets: QuerySet[Dataset], states: list[str]) -> QuerySet[Dataset]:
    """Those of which `state_of` is one of `states`."""
    wanted = Q(importing_since=None, found_at=None, state__in=states)
    if DatasetState.IMPORTING in states:
        wanted |= ~Q(importing_since=None)
    if DatasetState.REVIEW in states:
        wanted |= Q(importing_since=None) & ~Q(found_at=None)
    return datasets.filter(wanted)


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    version = latest(dataset)
    return {
        "slug": dataset.slug,
        "name": dataset.name,
        "task": dataset.task,
        "state": state_of(dataset),
        "progress": round(dataset.progress, 4),
        "error": _(dataset.error) % dataset.error_params if dataset.error else "",
        "source": _shown(dataset.source),
        "sensitive": dataset.sensitive,
        "demo": dataset.demo,
        "owner": dataset.owner.username,
        "project": dataset.project.slug,
        "created_at": iso(dataset.created_at),
        "import": _import_json(dataset),
        "fetching": fetching(dataset),
        "version": version_summary(version) if version else None,
        "warnings": warnings(version) if version else [],
        "left_out": unreadable(version)[:LEFT_OUT_TOLD] if version else [],
        "review": _review_json(dataset),
    }


def found_version(dataset: Dataset) -> DatasetVersion | None:
    """What waits for a decision, as the version that it becomes: no row yet, number 0. None when nothing waits."""
    if not dataset.found_at:
        return None
    named = ("schema", "splits", "items", "bytes", "source", "options")
    facts = {name: dataset.found[name] for name in named} | {"created_at": dataset.found_at}
    return DatasetVersion(dataset=dataset, number=0, content_hash=dataset.found["hash"], **facts)


def version_summary(version: DatasetVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "hash": version.content_hash,
        "task": task_of(version),
        "kind": version.schema["kind"],
        "items": version.items,
        "bytes": version.bytes,
        "classes": version.schema.get("classes", []),
        "splits": {name: split["count"] for name, split in version.splits.items()},
        "unreadable": version.schema.get("unreadable_count", 0),
        "created_at": iso(version.created_at),
    }


def version_json(version: DatasetVersion, *, raw: bool = True) -> dict[str, Any]:
    """A version in full; `readiness` is of the data that was prepared from it last, None when none was yet.

    Without `raw` nothing of it quotes the data of a sensitive dataset.
    """
    prepared = list(version.prepared.select_related("recipe").order_by("-id"))
    return version_summary(version) | {
        "source": _shown(version.source or version.dataset.source),
        "options": version.options,
        "fetched": fetched(version.source),
        "schema": schema_json(version, raw=raw or not version.dataset.sensitive),
        "splits": version.splits,
        "prepared": [_prepared_json(one) for one in prepared],
        "readiness": readiness(prepared[0]) if prepared else None,
    }


def schema_json(version: DatasetVersion, *, raw: bool) -> dict[str, Any]:
    schema = version.schema | {"unreadable": unreadable(version), "why": why(version)}
    schema.pop("why_params", None)
    if not raw and "columns" in schema:
        schema["columns"] = [{key: column[key] for key in column if key != "top"} for column in schema["columns"]]
    return schema


def task_of(version: DatasetVersion) -> str:
    """Its own: another version may have been read for another task."""
    return version.schema.get("task") or version.dataset.task


def why(version: DatasetVersion) -> str:
    """Why the import saw in the files what it saw."""
    sentence = version.schema.get("why", "")
    return _(sentence) % version.schema.get("why_params", {}) if sentence else ""


def unreadable(version: DatasetVersion) -> list[dict[str, str]]:
    """What the import could not use, each with its reason in words."""
    rows = version.schema.get("unreadable", [])
    return [{"name": row["name"], "reason": _(row["reason"]) % row.get("params", {})} for row in rows]


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _seen_by(actor: Any) -> QuerySet[Dataset]:
    versions = Prefetch("versions", DatasetVersion.objects.order_by("-number"))
    return visible(actor, Dataset.objects.select_related("owner", "project").prefetch_related(versions))


def _shown(source: dict[str, Any]) -> dict[str, Any]:
    """Without names of ours, and without the long list of what was not fetched, which stands beside it."""
    shown = {name: value for name, value in source.items() if name != "stored"}
    if "fetched" in shown:
        shown["fetched"] = {name: value for name, value in shown["fetched"].items() if name != "refusals"}
    return shown


def _import_json(dataset: Dataset) -> dict[str, Any] | None:
    """The import that runs, or the last one; None when there was none (rows of before)."""
    if not dataset.asked:
        return None
    ended = "failed" if dataset.error else "review" if dataset.found_at else "ready"
    state = "importing" if dataset.importing_since else ended
    return {
        "state": state,
        "progress": round(dataset.progress, 4),
        "error": _(dataset.error) % dataset.error_params if dataset.error else "",
        "source": _shown(dataset.asked["source"]),
        "options": dataset.asked["options"],
        "version": dataset.asked.get("version"),
    }


def _review_json(dataset: Dataset) -> dict[str, Any] | None:
    found = found_version(dataset)
    if found is None:
        return None
    until = {"since": iso(dataset.found_at), "until": iso(reviewing.waits_until(dataset))}
    return {
        name: value for name, value in version_summary(found).items() if name not in ("number", "created_at")
    } | until


def _prepared_json(prepared) -> dict[str, Any]:
    return {
        "recipe": prepared.recipe.hash,
        "steps": prepared.recipe.steps,
        "hash": prepared.hash,
        "state": prepared.state,
        "progress": round(prepared.progress, 4),
        "error": _(prepared.error) % prepared.error_params if prepared.error else "",
        "bytes": prepared.bytes,
        "seconds": round(prepared.seconds, 3),
        "obfuscation": recipes.obfuscation(prepared.manifest),
    }
