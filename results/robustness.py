"""Spoilt and foreign inputs on the page of a version: a chart, and how well noise is told from real samples."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config import formats
from results import metric_words, quality

KINDS = {
    "noise": gettext_lazy("Noise"),
    "blur": gettext_lazy("Blur"),
    "brightness": gettext_lazy("Brightness"),
    "jpeg": gettext_lazy("JPEG"),
    "dropped_words": gettext_lazy("Dropped words"),
    "typos": gettext_lazy("Typos"),
    "missing": gettext_lazy("Missing values"),
}
SCORES = {"max_softmax": gettext_lazy("Highest share"), "energy": gettext_lazy("Energy")}


def of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """corruption (the figure and its figures in words) and foreign (each score in words), of the newest row of each."""
    return {
        "corruption": _corruption(_newest(rows, "corruption")),
        "foreign": _foreign(_newest(rows, "out_of_distribution")),
    }


def _newest(rows: list[dict[str, Any]], suite: str) -> dict[str, Any] | None:
    told = [row for row in rows if suite in row["suites"] and "not_measured" not in row["suites"][suite]]
    return max(told, key=lambda row: row["at"]) if told else None


def _corruption(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    found = row["suites"]["corruption"]
    metric, clean = found["metric"], found["clean"]
    traces = [
        _line(KINDS.get(name, name), [clean, *severities], number)
        for number, (name, severities) in enumerate(found["kinds"].items())
    ]
    share = metric in formats.SHARES
    figure = {
        "name": "corruption",
        "title": _("When inputs are spoilt"),
        "note": _("%(metric)s on %(rows)s samples; severity 0 is as they are. Lines hold 95 of 100 resamples.")
        % {"metric": metric_words.label(metric), "rows": found["rows"]},
        "traces": traces,
        "x": {"title": _("Severity"), "dtick": 1},
        "y": {"title": metric_words.label(metric), **({"tickformat": ".0%"} if share else {})},
    }
    told = {"clean": formats.metric(clean["value"], metric), "mean": formats.metric(found["mean"], metric)}
    return {"figure": figure, "of": row, **told}


def _line(name: Any, points: list[dict[str, Any]], number: int) -> dict[str, Any]:
    line = {"type": "scatter", "name": str(name), "x": list(range(len(points))), "colour": f"hue-{number % 8 + 1}"}
    line |= {"y": [one["value"] for one in points]}
    if all(one["low"] is not None for one in points):
        line |= {end: [one[end] for one in points] for end in ("low", "high")}
    return line


def _foreign(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    found = row["suites"]["out_of_distribution"]
    other = found.get("foreign", {})
    return {
        "scores": _told(found["scores"]),
        "rows": found["rows"],
        "of": row,
        "dataset": other.get("dataset", ""),
        "not_measured": other.get("not_measured", ""),
        "other_scores": _told(other.get("scores", {})),
    }


def _told(scores: dict[str, Any]) -> list[dict[str, Any]]:
    """Each score in words."""
    return [
        {
            "name": SCORES.get(name, name),
            "auroc": formats.significant(one["auroc"]["value"], 3),
            "interval": quality.interval_text("roc_auc", one["auroc"]),
            "false_alarms": one["false_alarms"],
        }
        for name, one in scores.items()
    ]
