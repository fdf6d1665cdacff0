"""What an import found, before it is a version: the page on which somebody decides about it."""

from typing import Any

from django.utils.translation import gettext as _

from catalog import queries
from catalog.forms import AddVersionForm
from catalog.models import DatasetVersion
from catalog.pages import checks, overview
from catalog.services import reviewing, sources

LEFT_OUT_SHOWN = 20


def review(version: DatasetVersion, *, raw: bool) -> dict[str, Any]:
    """`version`: as `queries.found_version` gives it. Without `raw` no sample is shown."""
    dataset = version.dataset
    again = sources.to_read_again(dataset) is not None
    listed = checks.checks(version)
    return overview.understood(version, raw=raw) | {
        "dataset": dataset,
        "version": version,
        "before": queries.latest(dataset),
        "lead": overview.lead(version),
        "until": reviewing.waits_until(dataset),
        "import_error": _(dataset.error) % dataset.error_params if dataset.error else "",
        "form": AddVersionForm(again=True, initial=version.options) if again else None,
        "column_names": _column_names(version.schema),
        "samples": queries.first_samples(version) if raw else [],
        "kind": version.schema["kind"],
        "value_columns": [column["name"] for column in version.schema.get("columns", [])],
        "raw": raw,
        "unreadable": listed["unreadable"][:LEFT_OUT_SHOWN],
        "unreadable_count": listed["unreadable_count"],
        "unreadable_more": max(listed["unreadable_count"] - LEFT_OUT_SHOWN, 0),
    }


def _column_names(schema: dict[str, Any]) -> list[str]:
    """Columns that may be named when it is read otherwise."""
    told = schema.get("detected", {})
    named = [told[name] for name in told if name.endswith("_column") and told[name]]
    return list(dict.fromkeys([*(column["name"] for column in told.get("columns", [])), *named]))
