"""Says which rank the others wait for, and why: once, and again when that has changed."""

import time

from training.pace import Slow
from training.reporter import Reporter

LOOK_EVERY_S = 1.0


class SlowRank:
    """`reporter`: None on ranks that say nothing."""

    def __init__(self, reporter: Reporter | None):
        self._reporter = reporter
        self._told: tuple[int, str] | None = None
        self._seen: tuple[int, str] | None = None
        self._looked_at = 0.0

    def tell(self, slow: Slow | None) -> None:
        """Told only when two looks in a row, LOOK_EVERY_S apart, saw the same."""
        now = time.monotonic()
        if self._reporter is None or now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        seen = (slow.rank, slow.cause) if slow else None
        if seen == self._seen and seen != self._told:
            self._told = seen
            self._reporter.choice("slow rank", *_said(slow))
        self._seen = seen


def _said(slow: Slow | None) -> tuple[str, str]:
    if slow is None:
        return "none", "all ranks take about as long for a step"
    if slow.cause == "exchange":
        return "exchange", f"{slow.cost:.0%} of each step goes into the exchange between devices"
    verb = {"data": "reads", "compute": "computes"}[slow.cause]
    mine, others = 1000 * slow.seconds, 1000 * slow.others
    return (
        f"rank {slow.rank}: {slow.cause}",
        f"it {verb} longer: {mine:.1f} ms a step, the others {others:.1f} ms; this costs {slow.cost:.0%} of every step",
    )
