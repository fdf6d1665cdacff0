"""Whether more devices helped: samples a second of each device alone against all of them together. Pure."""

import statistics
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from checks.seen import ANSWERED, Seen
from config import formats
from jobs.sentences import ends

HELPED, NO_DIFFERENCE, SLOWER, NOT_MEASURED = "helped", "no_difference", "slower", "not_measured"


@dataclass(frozen=True)
class Rate:
    """Samples a second: the median of the windows, the slowest and the fastest of them."""

    median: float
    low: float
    high: float
    n: int
    batch: int
    """samples of one step"""

    @classmethod
    def of(cls, measured: dict[str, Any]) -> "Rate":
        rates = measured["samples_per_second"]
        return cls(statistics.median(rates), min(rates), max(rates), len(rates), measured["batch"])


@dataclass(frozen=True)
class Comparison:
    """`speedup`: together against the fastest device alone; `efficiency`: against the sum of all alone."""

    verdict: str
    alone: dict[str, Rate]
    together: Rate | None = None
    best: str = ""
    speedup: float | None = None
    efficiency: float | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    """(device, why) of those that measured nothing"""

    @property
    def sentence(self) -> str:
        if self.together is None or self.speedup is None or self.efficiency is None:
            return _("Not measured: a comparison needs at least two devices that answer.")
        known = {
            "together": formats.whole(round(self.together.median)),
            "best": self.best,
            "alone": formats.whole(round(self.alone[self.best].median)),
            "times": f"{self.speedup:.2f}",
            "share": formats.percent(self.efficiency),
        }
        if self.verdict == HELPED:
            text = _("More devices helped: %(together)s samples/s together, %(times)s × %(best)s alone (%(alone)s).")
        elif self.verdict == SLOWER:
            text = _("More devices did not help: %(together)s samples/s together, %(best)s alone makes %(alone)s.")
        else:
            text = _("No clear difference: %(together)s samples/s together, %(best)s alone makes %(alone)s.")
        return f"{text % known} " + _("That is %(share)s of what the devices make one by one.") % known

    def to_json(self) -> dict[str, Any]:
        told = {name: value for name, value in asdict(self).items() if name != "reasons"}
        return told | {"sentence": self.sentence, "failed": [{"device": d, "reason": why} for d, why in self.reasons]}


def compared(devices: list[Seen]) -> Comparison:
    """Helped (or slower) only when the windows of both do not overlap."""
    done = [one for one in devices if one.state == ANSWERED]
    alone = {one.slug: Rate.of(one.answer["alone"]) for one in done if one.answer.get("alone")}
    reasons = tuple((one.slug, _why(one)) for one in devices if one not in done and not one.is_open)
    measured = next((one.answer["together"] for one in done if one.rank == 0 and one.answer.get("together")), None)
    if measured is None or len(alone) < 2:
        return Comparison(NOT_MEASURED, alone, reasons=reasons)
    together, best = Rate.of(measured), max(alone, key=lambda slug: alone[slug].median)
    verdict = NO_DIFFERENCE
    if together.low > alone[best].high:
        verdict = HELPED
    elif together.high < alone[best].low:
        verdict = SLOWER
    speedup = together.median / alone[best].median
    efficiency = together.median / sum(rate.median for rate in alone.values())
    return Comparison(verdict, alone, together, best, speedup, efficiency, reasons)


def _why(one: Seen) -> str:
    if one.away:
        return _("It takes no jobs.") if one.away == "draining" else _("It is offline.")
    return ends.of_errand(one.answer, one.slug)
