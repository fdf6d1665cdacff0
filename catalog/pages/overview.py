"""One version at a glance: what it holds, how it was read, classes, columns and histograms, recipe and readiness."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog import queries, recipes
from catalog.models import DatasetVersion, PreparedData
from catalog.pages.histograms import drawn, plain
from config.formats import size, whole
from contract.problems import Invalid

CLASSES_SHOWN = 50
COLUMNS_SHOWN = 100
LISTED_IN_CHECKS = {"unreadable", "duplicates", "contradictions", "leak", "near-leak"}
"""kinds of warnings whose examples the tab Checks names"""


def overview(version: DatasetVersion, *, raw: bool) -> dict[str, Any]:
    prepared = queries.newest_prepared(version)
    steps = prepared.recipe.steps if prepared else recipes.default_steps(version, queries.task_of(version))
    readiness = queries.readiness(prepared) if prepared else []
    told = understood(version, raw=raw)
    return told | {
        "prepared": prepared,
        "prepared_error": _(prepared.error) % prepared.error_params if prepared and prepared.error else "",
        "recipe_words": _words(steps),
        "hides": _hides(version, steps, prepared),
        "recipe_hash": prepared.recipe.hash if prepared else "",
        "readiness": readiness,
        "ready_count": sum(row["status"] == "ready" for row in readiness),
        "checks_tell": any(warning["kind"] in LISTED_IN_CHECKS for warning in told["warnings"]),
    }


def understood(version: DatasetVersion, *, raw: bool) -> dict[str, Any]:
    """What was made of the files; of data that is no version yet too."""
    schema = queries.datasets.schema_json(version, raw=raw or not version.dataset.sensitive)
    return {
        "facts": _facts(version, schema),
        "detected": _detected(schema),
        "why": schema["why"],
        "histograms": [histogram for histogram in _histograms(schema) if histogram],
        "fetched": queries.fetched(version.source),
        "columns": _columns(schema, version.items),
        "classes": _bars(version),
        "classes_more": max(len(schema.get("classes", [])) - CLASSES_SHOWN, 0),
        "splits": [(name, split["count"]) for name, split in version.splits.items()],
        "warnings": queries.warnings(version),
    }


def lead(version: DatasetVersion) -> str:
    """One line of what it is."""
    schema, count = version.schema, version.items
    sentences = {
        "image": ngettext("%(count)s picture", "%(count)s pictures", count),
        "text": ngettext("%(count)s text", "%(count)s texts", count),
        "table": ngettext("%(count)s row", "%(count)s rows", count),
    }
    params = {"items": sentences[schema["kind"]] % {"count": whole(count)}, "size": size(version.bytes)}
    if not schema.get("classes"):
        return _("%(items)s, %(size)s") % params
    return _("%(items)s in %(classes)s classes, %(size)s") % (params | {"classes": whole(len(schema["classes"]))})


def _facts(version: DatasetVersion, schema: dict[str, Any]) -> list[tuple[str, str]]:
    """(label, text) of what only this kind of data has."""
    if schema["kind"] == "table":
        return [(_("Columns"), whole(len(schema.get("columns", [])))), (_("To be learnt"), schema["target_name"])]
    if schema["kind"] == "text":
        lengths = schema.get("lengths", {})
        return [(_("Length"), _span(lengths, _("%(min)s to %(max)s characters, median %(median)s")))] if lengths else []
    formats = ", ".join(f"{name} {whole(count)}" for name, count in schema.get("formats", {}).items())
    found = [(_("Picture sizes"), _sizes(schema)), (_("Formats"), formats)]
    if boxes := schema.get("boxes"):
        text = _("%(count)s in all; %(without)s pictures without any")
        found.append((_("Boxes"), text % {"count": whole(boxes["count"]), "without": whole(boxes["without"])}))
    return found


def _sizes(schema: dict[str, Any]) -> str:
    width, height = schema["width"], schema["height"]
    largest = f"{width['max']} × {height['max']}"
    if schema["distinct_sizes"] == 1:
        return largest
    return f"{width.get('min', '…')} × {height.get('min', '…')} – {largest}"


def _span(numbers: dict[str, Any], sentence: str) -> str:
    return sentence % {name: plain(numbers[name]) for name in ("min", "median", "max")}


def _detected(schema: dict[str, Any]) -> list[tuple[str, str]]:
    """(label, text) of what had to be found out."""
    labels = {
        "encoding": _("Encoding"),
        "delimiter": _("Between fields"),
        "decimal": _("Decimals after"),
        "text_column": _("Texts in column"),
        "messages_column": _("Conversations in column"),
        "context_column": _("More of the prompt in column"),
        "label_column": _("Labels in column"),
        "file_column": _("Files in column"),
        "split_column": _("Splits in column"),
        "group_column": _("Groups in column"),
        "left_out": _("Left out, for they number the rows"),
        "crowds": _("Crowd regions left out"),
    }
    told = schema.get("detected", {})
    found = [(label, told[name]) for name, label in labels.items() if told.get(name)]
    return [(label, ", ".join(value) if isinstance(value, list) else str(value)) for label, value in found]


def _histograms(schema: dict[str, Any]) -> list[dict[str, Any] | None]:
    boxes = schema.get("boxes", {})
    return [
        drawn(_("Longer side of pictures, pixels"), schema.get("longer_side", {})),
        drawn(_("Boxes a picture"), boxes.get("a_picture", {})),
        drawn(_("Longer side of boxes, pixels"), boxes.get("longer_side", {})),
        drawn(_("Length of texts, characters"), schema.get("lengths", {})),
        drawn(_("Messages a conversation"), schema.get("turns", {})),
        drawn(_("Values to be learnt"), schema.get("values", {})),
    ]


def _columns(schema: dict[str, Any], items: int) -> list[dict[str, Any]]:
    """Those that are learnt from; of texts, which are none any more, the columns of their table."""
    columns = schema.get("columns") or schema.get("detected", {}).get("columns", [])
    return [_column(column, items) for column in columns[:COLUMNS_SHOWN]]


def _column(column: dict[str, Any], items: int) -> dict[str, Any]:
    if column["type"] == "number":
        told = _span(column, "%(min)s … %(median)s … %(max)s") if "min" in column else "—"
    else:
        told = ", ".join(f"{value} ({whole(count)})" for value, count in column.get("top", [])[:4])
    return {
        "name": column["name"],
        "type": column["type"],
        "missing": column["missing"] / items if items else 0,
        "told": told or _("%(count)s different ones") % {"count": whole(column.get("distinct", 0))},
        "histogram": drawn(column["name"], column),
    }


def _bars(version: DatasetVersion) -> list[dict[str, Any]]:
    """Each class with its count a split, and its share of the largest class."""
    names = version.schema.get("classes", [])[:CLASSES_SHOWN]
    counts = {
        name: {split: part.get("classes", {}).get(name, 0) for split, part in version.splits.items()} for name in names
    }
    totals = {name: sum(parts.values()) for name, parts in counts.items()}
    largest = max(totals.values(), default=1) or 1
    return [
        {"name": name, "total": totals[name], "share": totals[name] / largest, "splits": list(counts[name].values())}
        for name in names
    ]


def _hides(version: DatasetVersion, steps: list[dict[str, Any]], prepared: PreparedData | None) -> list[dict[str, Any]]:
    """What the steps hide and what not, with counts once the data is prepared."""
    if prepared and prepared.manifest:
        return recipes.obfuscation(prepared.manifest)
    try:
        return recipes.will_hide(steps, version.schema["kind"])
    except Invalid:
        return []


def _words(steps: list[dict[str, Any]]) -> list[str]:
    try:
        return recipes.words(steps)
    except Invalid:
        return [str(step.get("step", "")) for step in steps]
