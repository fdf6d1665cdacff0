"""The safety card of a version's page: each question with its figure in words, and the attack's curve."""

from typing import Any

from django.utils.translation import gettext as _

from config import formats
from jobs.models import Job
from results import safety
from results.figures import SHARE
from results.models import ResultVersion
from results.safety_words import FAIL, NOT_MEASURED, PASS, WARN

TONES = {PASS: "ok", WARN: "warn", FAIL: "bad", NOT_MEASURED: ""}
SHOWN_SIZES = ("", "4", "0.1")
"""of attacks: the rest is in the figure, and in REST"""


def of(version: ResultVersion, facts: dict[str, Any]) -> dict[str, Any]:
    """The context of the card. `facts`: of `queries.version_json`."""
    rows = [row for row in facts["safety"] if row["key"].partition("@")[2] in SHOWN_SIZES]
    attack = safety.curve(facts["evaluations"])
    return {
        "rows": [_cells(row) for row in rows],
        "figures": [_curve(attack)] if attack else [],
        "spent": _spent(version.job),
    }


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    words = {PASS: _("Pass"), WARN: _("Look at it"), FAIL: _("Fail"), NOT_MEASURED: _("Not measured")}
    known = {"low": _number(row["low"]), "high": _number(row["high"])}
    return row | {
        "shown": _number(row["value"]) if row["value"] is not None else "",
        "interval": _("%(low)s to %(high)s") % known if row["low"] is not None else "",
        "size": row["key"].partition("@")[2],
        "word": words[row["verdict"]],
        "tone": TONES[row["verdict"]],
    }


def _number(value: float | None) -> str:
    return formats.whole(value) if isinstance(value, int) else formats.significant(value, 3)


def _spent(job: Job) -> dict[str, Any] | None:
    """What all private tries on this version of the data spent together, by plain addition; None for a single one."""
    tries = Job.objects.filter(version=job.version, spec__security__has_key="dp")
    spent = [value for row in tries if isinstance(value := row.summary.get("privacy/epsilon"), int | float)]
    return {"jobs": len(spent), "epsilon": formats.significant(sum(spent), 3)} if len(spent) > 1 else None


def _curve(attack: dict[str, Any]) -> dict[str, Any]:
    """Accuracy by size of the change, beside noise of the same size and no change at all."""
    names = {"noise": _("Noise of the same size"), "fgsm": _("FGSM: one step"), "pgd": _("PGD: many steps")}
    sizes = [0, *(point["size"] for point in attack["curve"])]
    traces = [
        {
            "type": "scatter",
            "name": word,
            "x": sizes,
            "y": [attack["clean"]["value"], *(point[name] for point in attack["curve"])],
            "colour": f"hue-{number}",
        }
        for number, (name, word) in enumerate(names.items(), 1)
    ]
    unit = _("Change of each pixel, of 255") if attack["unit"] == "1/255" else _("Change in standard deviations")
    return {
        "name": "attacks",
        "title": _("Right answers under attack"),
        "note": _("At 0 nothing is changed. A line that does not fall may hide a weakness instead of having none."),
        "traces": traces,
        "x": {"title": unit},
        "y": {"title": _("Right answers"), **SHARE},
    }
