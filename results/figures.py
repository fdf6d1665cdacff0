"""Figures of the page of a version, as `static/js/figure.js` draws them: traces, axes, and a sentence for everybody.

A figure: {"name", "title", "note", "traces": [{"type", "x", "y", "colour", …}], "x": axis, "y": axis}. `colour` names
a colour of the theme: hue-1 … hue-8, muted, bad.
"""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MOST_CLASSES = 24
MOST_CURVES = 8
SHARE = {"range": [0, 1.02], "tickformat": ".0%"}


def reliability(bins: list[dict[str, Any]], error: float | None) -> dict[str, Any]:
    """How often answers of each confidence are right, against how often they should be."""
    shown = [one for one in bins if one["count"]]
    counted = [ngettext("%(n)s answer", "%(n)s answers", one["count"]) % {"n": one["count"]} for one in shown]
    bars = {
        "type": "bar",
        "name": _("Right"),
        "x": [(one["low"] + one["high"]) / 2 for one in shown],
        "y": [one["accuracy"] for one in shown],
        "width": [one["high"] - one["low"] for one in shown],
        "text": counted,
        "colour": "hue-1",
    }
    told = {"error": f"{error:.3f}"} if error is not None else None
    return {
        "name": "reliability",
        "title": _("Is it as sure as it should be?"),
        "note": _("Bars below the line: too sure of itself. Calibration error %(error)s.") % told if told else "",
        "traces": [bars, _diagonal([0, 1], _("As sure as right"))],
        "x": {"title": _("Confidence"), **SHARE},
        "y": {"title": _("Answers that are right"), **SHARE},
    }


def per_class(classes: list[str], values: list[float | None], title: str, note: str) -> dict[str, Any]:
    """Bars of one number by class, the worst first."""
    known = [(value, name) for value, name in zip(values, classes, strict=True) if value is not None]
    worst = sorted(known)[:MOST_CLASSES]
    bars = {
        "type": "bar",
        "x": [name for _value, name in worst],
        "y": [value for value, _name in worst],
        "colour": "hue-2",
        "name": title,
    }
    if len(known) > MOST_CLASSES:
        note = _("The %(shown)s worst of %(all)s classes.") % {"shown": MOST_CLASSES, "all": len(known)}
    axis = {"type": "category", "title": ""}
    return {"name": "per-class", "title": title, "note": note, "traces": [bars], "x": axis, "y": {"title": "", **SHARE}}


def precision_recall(classes: list[str], curves: list[list[float] | None]) -> dict[str, Any]:
    """Precision at eleven recalls by class; `curves` at an overlap of one half."""
    known = [(name, curve) for name, curve in zip(classes, curves, strict=True) if curve is not None]
    traces = [
        {
            "type": "scatter",
            "name": name,
            "x": [place / 10 for place in range(11)],
            "y": curve,
            "colour": f"hue-{number % 8 + 1}",
        }
        for number, (name, curve) in enumerate(known[:MOST_CURVES])
    ]
    return {
        "name": "precision-recall",
        "title": _("Found against made up"),
        "note": _("Boxes that overlap by half count as found."),
        "traces": traces,
        "x": {"title": _("Recall: objects that are found"), **SHARE},
        "y": {"title": _("Precision: boxes that are right"), **SHARE},
    }


def values(true: list[float], said: list[float]) -> dict[str, Any]:
    """Answered against true values."""
    points = {"type": "scatter", "markers": True, "name": _("Sample"), "x": true, "y": said, "colour": "hue-1"}
    ends = [min(*true, *said), max(*true, *said)]
    return {
        "name": "values",
        "title": _("Answered against true"),
        "note": _("On the line: exactly right."),
        "traces": [points, _diagonal(ends, _("Exactly right"))],
        "x": {"title": _("True value")},
        "y": {"title": _("Answered value")},
    }


def _diagonal(ends: list[float], name: str) -> dict[str, Any]:
    return {"type": "scatter", "name": name, "x": ends, "y": ends, "colour": "muted", "dash": "dash"}
