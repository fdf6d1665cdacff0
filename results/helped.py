"""The answer to "did fine-tuning help?", in words."""

from typing import Any

from django.utils.translation import gettext as _

from config import formats
from results import metric_words

TONES = {"helped": "ok", "harmed": "bad", "unclear": "warn"}


def of(found: dict[str, Any]) -> dict[str, Any] | None:
    """sentence, tone, before, after, label, range; None before both were measured on the same rows."""
    told = found["difference"]
    if told is None:
        return None
    return {
        "sentence": _sentence(told["verdict"]),
        "tone": TONES[told["verdict"]],
        "label": metric_words.label(told["metric"]),
        "before": formats.metric(told["before"], told["metric"]),
        "after": formats.metric(told["after"], told["metric"]),
        "range": _range(told),
    }


def _sentence(verdict: str) -> str:
    return {
        "helped": _("Fine-tuning helped."),
        "harmed": _("Fine-tuning made it worse."),
        "unclear": _("No difference that these samples can show."),
    }[verdict]


def _range(told: dict[str, Any]) -> str:
    """The difference with its interval, signed, in points of per cent where it is a share."""
    share = told["metric"] in formats.SHARES
    values = {name: told[name] for name in ("difference", "low", "high")}
    if values["low"] is None:
        return _signed(values["difference"], share)
    words = {name: _signed(value, share) for name, value in values.items()}
    return _("%(difference)s (%(low)s to %(high)s), n = %(n)s") % {**words, "n": told["n"]}


def _signed(value: float, share: bool) -> str:
    return _("%(points)s points") % {"points": f"{value * 100:+.1f}"} if share else f"{value:+.3g}"
