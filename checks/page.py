"""Figures of a test as its page writes them."""

from typing import Any

from checks.speed import Comparison, Rate
from config import formats


def latency(seconds: float) -> str:
    """A link within a host takes hundredths of a millisecond."""
    return f"{formats.significant(1000 * seconds, 2)} ms"


def bandwidth(bytes_per_second: float) -> str:
    return f"{formats.size(round(bytes_per_second))}/s"


def link_rows(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each pair with its figures in words, or its error."""
    return [
        link
        if "error" in link
        else link | {"latency": latency(link["latency_seconds"]), "bandwidth": bandwidth(link["bytes_per_second"])}
        for link in links
    ]


def rate_rows(speed: Comparison) -> list[dict[str, Any]]:
    """Each device alone; its name is "" for all of them together."""
    rates = [*speed.alone.items(), *([("", speed.together)] if speed.together else [])]
    return [{"device": name, "batch": rate.batch, "n": rate.n, **_rounded(rate)} for name, rate in rates]


def _rounded(rate: Rate) -> dict[str, str]:
    return {name: formats.whole(round(getattr(rate, name))) for name in ("median", "low", "high")}
