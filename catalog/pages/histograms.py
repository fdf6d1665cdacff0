"""Histograms as bars of a small picture: plain numbers, so that a page draws them without a script."""

from typing import Any

from config.formats import significant, whole

WIDTH, HEIGHT = 300, 80


def drawn(title: str, summary: dict[str, Any]) -> dict[str, Any] | None:
    """{"title", "bars": [{"x", "y", "width", "height", "words"}], "min", "median", "max"}; None without any number.

    summary: as `catalog.imports.facts.numbers.summary` gives it.
    """
    told = summary.get("histogram", {})
    counts, edges = told.get("counts", []), told.get("edges", [])
    if not counts or not max(counts):
        return None
    step, most = WIDTH / len(counts), max(counts)
    bars = [
        {
            "x": round(place * step + 0.5, 2),
            "y": round(HEIGHT - HEIGHT * count / most, 2),
            "width": round(max(step - 1, 0.5), 2),
            "height": round(HEIGHT * count / most, 2),
            "words": f"{plain(edges[place])} – {plain(edges[place + 1])}: {count}",
        }
        for place, count in enumerate(counts)
    ]
    return {"title": title, "bars": bars, **{name: plain(summary[name]) for name in ("min", "median", "max")}}


def plain(value: float) -> str:
    """A whole number without decimals."""
    return whole(int(value)) if float(value).is_integer() else significant(value)
