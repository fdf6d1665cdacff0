"""Two versions of one model next to each other: quality, speed, size, and what both were made from."""

from typing import Any

from django.utils.translation import gettext as _

from config import formats
from contract.tasks import TASKS
from jobs import history
from results import difference, measured, metric_words, queries
from results.models import ResultVersion


def compared(version: ResultVersion, other: ResultVersion) -> dict[str, Any]:
    """other (its number), difference (of the leading metric with its interval, where both answered the same rows), and
    rows: {"name", "label", "this", "other", "better"} with plain values; better: whether `this` is (None: neither)."""
    both = [_facts(one) for one in (version, other)]
    return {
        "version": version.number,
        "other": other.number,
        "difference": _difference(version, other, both),
        "rows": [*_quality(version.result.task, *both), *_costs(*both)],
        "made_from": _made_from(version, other),
    }


def shown(told: dict[str, Any]) -> dict[str, Any]:
    """The same in words for the page."""
    rows = [row | {end: _text(row["name"], row[end]) for end in ("this", "other")} for row in told["rows"]]
    return told | {"rows": rows}


def _facts(version: ResultVersion) -> dict[str, Any]:
    """The row that tells most: one with its own rows, of the weights, the newest."""
    rows = measured.rows(version, measured.runs(version))
    done = [row for row in rows if row["state"] == "done"]
    best = max(done, key=_tells_most) if done else {}
    files = [row.bytes for row in history.shown_artifacts(version.job) if row.format == "safetensors"]
    latency = (best.get("latency_ms") or {}).get("p50")
    return {"row": best, "bytes": files[0] if files else None, "latency": latency}


def _tells_most(row: dict[str, Any]) -> tuple[bool, bool, str]:
    return bool(row["rows_of"]), row["artifact"].endswith(".safetensors"), row["at"]


def _difference(version: ResultVersion, other: ResultVersion, both: list[dict[str, Any]]) -> dict[str, Any] | None:
    """`version` minus `other`."""
    this, that = (one["row"] for one in both)
    same_rows = version.job.prepared_id == other.job.prepared_id and this.get("split") == that.get("split")
    if not same_rows or not this.get("rows_of") or not that.get("rows_of"):
        return None
    return difference.compared(version.result.task, that, this)


def _quality(task: str, this: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    metrics = [one["row"].get("metrics", {}) for one in (this, other)]
    known = [name for name in metric_words.WORDS if any(name in values for values in metrics)]
    names = sorted(known, key=lambda name: name != TASKS[task].headline)
    return [_row(name, metric_words.label(name), *(values.get(name) for values in metrics)) for name in names]


def _costs(this: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _row("latency_ms", _("Milliseconds an answer (p50)"), this["latency"], other["latency"]),
        _row("bytes", _("Size of the weights"), this["bytes"], other["bytes"]),
    ]


def _row(name: str, label: str, this: Any, other: Any) -> dict[str, Any]:
    better = None
    if this is not None and other is not None and this != other:
        better = (this < other) if name in metric_words.LOWER_IS_BETTER else (this > other)
    return {"name": name, "label": label, "this": this, "other": other, "better": better}


def _made_from(version: ResultVersion, other: ResultVersion) -> list[dict[str, Any]]:
    """What differs in how they came about."""
    both = [queries.lineage(one) for one in (version, other)]
    facts = [
        (_("Data"), [f"{one['dataset']['slug']} v{one['dataset']['version']}" for one in both]),
        (_("Prepared data"), [one["prepared"][:12] for one in both]),
        (_("Model"), [one["model"]["source"] for one in both]),
        (_("Seed"), [one["seed"] for one in both]),
    ]
    return [{"label": label, "this": this, "other": that} for label, (this, that) in facts if this != that]


def _text(name: str, value: Any) -> str:
    if value is None:
        return formats.MISSING
    if name == "bytes":
        return formats.size(value)
    return formats.significant(value, 3) if name == "latency_ms" else formats.metric(value, name)
