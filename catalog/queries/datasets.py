"""Datasets and their versions, as REST answers them and pages show them."""

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.permissions import visible
from catalog.models import Dataset, DatasetState, DatasetVersion
from catalog.queries.devices import readiness

IMBALANCED_FROM = 4
"""times more pictures in the largest class than in the smallest: worth a warning"""


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


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    version = latest(dataset)
    return {
        "slug": dataset.slug,
        "name": dataset.name,
        "task": dataset.task,
        "state": dataset.state,
        "progress": round(dataset.progress, 4),
        "error": _(dataset.error) % dataset.error_params if dataset.error else "",
        "source": dataset.source,
        "sensitive": dataset.sensitive,
        "demo": dataset.demo,
        "owner": dataset.owner.username,
        "project": dataset.project.slug,
        "created_at": iso(dataset.created_at),
        "version": version_summary(version) if version else None,
        "warnings": warnings(version) if version and dataset.state == DatasetState.READY else [],
    }


def version_summary(version: DatasetVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "hash": version.content_hash,
        "items": version.items,
        "bytes": version.bytes,
        "classes": version.schema.get("classes", []),
        "splits": {name: split["count"] for name, split in version.splits.items()},
        "unreadable": version.schema.get("unreadable_count", 0),
        "created_at": iso(version.created_at),
    }


def version_json(version: DatasetVersion) -> dict[str, Any]:
    """A version in full; `readiness` is of the data that was prepared from it last, None when none was yet."""
    prepared = list(version.prepared.select_related("recipe").order_by("-id"))
    return version_summary(version) | {
        "schema": version.schema | {"unreadable": unreadable(version)},
        "splits": version.splits,
        "prepared": [_prepared_json(one) for one in prepared],
        "readiness": readiness(prepared[0]) if prepared else None,
    }


def unreadable(version: DatasetVersion) -> list[dict[str, str]]:
    """Files that the import could not use, each with its reason in words."""
    rows = version.schema.get("unreadable", [])
    return [{"name": row["name"], "reason": _(row["reason"]) % row.get("params", {})} for row in rows]


def warnings(version: DatasetVersion) -> list[dict[str, str]]:
    """What deserves a look: {"kind", "text"}."""
    found = []
    schema = version.schema
    if count := schema.get("unreadable_count", 0):
        text = ngettext("%(count)s file could not be read.", "%(count)s files could not be read.", count)
        found.append({"kind": "unreadable", "text": text % {"count": count}})
    if count := schema.get("duplicates", 0):
        text = ngettext(
            "%(count)s picture is an exact copy of another.", "%(count)s pictures are exact copies of others.", count
        )
        found.append({"kind": "duplicates", "text": text % {"count": count}})
    classes = version.splits.get("train", {}).get("classes", {})
    if classes and min(classes.values()) * IMBALANCED_FROM <= max(classes.values()):
        most, least = max(classes, key=classes.__getitem__), min(classes, key=classes.__getitem__)
        params = {"most": most, "least": least, "a": classes[most], "b": classes[least]}
        text = _("Classes are uneven: %(most)s : %(least)s = %(a)s : %(b)s. Watch f1_macro beside accuracy.") % params
        found.append({"kind": "imbalance", "text": text})
    return found


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _seen_by(actor: Any) -> QuerySet[Dataset]:
    versions = Prefetch("versions", DatasetVersion.objects.order_by("-number"))
    return visible(actor, Dataset.objects.select_related("owner", "project").prefetch_related(versions))


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
    }
