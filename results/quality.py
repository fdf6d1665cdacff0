"""The card that says how good a version is: numbers with intervals, pictures of them, the worst errors."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from config import formats
from contract.tasks import TASKS
from results import figures, metric_words
from results.models import ResultVersion

WORST_SHOWN = 8


def of(version: ResultVersion, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of the newest measurement of quality among `rows`; None before there is one."""
    measured = [row for row in rows if row["details"].get("intervals")]
    if not measured:
        return None
    row = max(measured, key=lambda row: row["rows_of"])
    classes = version.job.prepared.manifest.get("classes") or []
    return {
        "of": row,
        "tiles": tiles(version.result.task, row["details"]["intervals"], row["metrics"]),
        "figures": _figures(row, classes),
        "samples": reverse("measured_samples", args=(row["rows_of"],)),
    }


def tiles(task: str, intervals: dict[str, Any], metrics: dict[str, float]) -> list[dict[str, str]]:
    """Each metric in words, the leading one first and the loss last."""
    names = sorted(metrics, key=lambda name: (name != TASKS[task].headline, name == "loss"))
    return [
        {
            "name": name,
            "label": metric_words.label(name),
            "meaning": metric_words.meaning(name),
            "value": formats.metric(metrics[name], name),
            "interval": interval_text(name, intervals.get(name, {})),
        }
        for name in names
    ]


def interval_text(name: str, interval: dict[str, Any]) -> str:
    """ "93.1% to 96.0%, n = 750"; "" where none could be computed."""
    if interval.get("low") is None:
        return ""
    ends = {end: formats.metric(interval[end], name) for end in ("low", "high")}
    return _("%(low)s to %(high)s, n = %(n)s") % {**ends, "n": interval["n"]}


def _figures(row: dict[str, Any], classes: list[str]) -> list[dict[str, Any]]:
    details, found = row["details"], []
    table = details.get("per_class", {})
    if details.get("calibration"):
        found.append(figures.reliability(details["calibration"], row["metrics"].get("ece")))
    if "f1" in table:
        found.append(figures.per_class(classes, table["f1"], _("F1 by class"), _("The worst classes first.")))
    if "map" in table:
        found.append(figures.precision_recall(classes, table["precision_at_recall"]))
        found.append(figures.per_class(classes, table["map"], _("mAP by class"), _("The worst classes first.")))
    if details.get("values"):
        found.append(figures.values(details["values"]["true"], details["values"]["said"]))
    return found
