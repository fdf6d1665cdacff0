"""How busy a device was: its readings as small charts for pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.formats import size
from config.svg_lines import polyline
from devices.models import Device, Reading
from devices.queries import SPANS

WIDTH, HEIGHT = 300, 60
MOST_POINTS = 180
KEYS = {
    "system/cpu_percent": gettext_lazy("CPU"),
    "system/memory_bytes": gettext_lazy("Memory"),
    "system/gpu_percent": gettext_lazy("GPU"),
    "system/gpu_memory_bytes": gettext_lazy("GPU memory"),
    "system/gpu_temperature_celsius": gettext_lazy("GPU temperature"),
    "system/gpu_power_watts": gettext_lazy("GPU power"),
}
SPAN_WORDS = {
    "15m": gettext_lazy("15 minutes"),
    "24h": gettext_lazy("24 hours"),
    "30d": gettext_lazy("30 days"),
}


@dataclass(frozen=True)
class Chart:
    key: str
    label: str
    now: str
    """the newest value, with its unit"""
    words: str
    """lowest and highest, for those who do not see the line"""
    path: str
    """`points` of an SVG polyline in a box of WIDTH × HEIGHT; "" with fewer than two readings"""


def spans(chosen: str) -> list[dict[str, Any]]:
    """The spans to choose from."""
    return [{"span": span, "word": str(word), "chosen": span == chosen} for span, word in SPAN_WORDS.items()]


def charts(device: Device, span: str = "15m") -> list[Chart]:
    """One chart for each key that was read within `span`, the time axis being all of it. KeyError for another span."""
    until = timezone.now()
    since = until - SPANS[span]
    found = list(Reading.objects.filter(device=device, at__gte=since).order_by("at").values_list("at", "values"))
    thinned = found[:: max(1, -(-len(found) // MOST_POINTS))]
    rows = thinned if not found or thinned[-1] is found[-1] else [*thinned, found[-1]]
    drawn = (_chart(device, key, rows, (since, until)) for key in KEYS)
    return [chart for chart in drawn if chart]


def _chart(
    device: Device, key: str, rows: list[tuple[datetime, dict[str, float]]], span: tuple[datetime, datetime]
) -> Chart | None:
    pairs = [(at.timestamp(), values[key]) for at, values in rows if key in values]
    if not pairs:
        return None
    values = [value for _at, value in pairs]
    across = (span[0].timestamp(), span[1].timestamp())
    path = polyline(pairs, across, (0, _top(device, key, values)), (WIDTH, HEIGHT)) if len(pairs) > 1 else ""
    words = _("from %(low)s to %(high)s") % {"low": _shown(key, min(values)), "high": _shown(key, max(values))}
    return Chart(key, str(KEYS[key]), _shown(key, values[-1]), words, path)


def _top(device: Device, key: str, values: list[float]) -> float:
    """Of the axis: all there is of it, where that is known."""
    if key.endswith("_percent"):
        return max(100.0, *values)
    if key == ("system/gpu_memory_bytes" if device.kind == "cuda" else "system/memory_bytes"):
        return max(float(device.memory_bytes), *values)
    return max(values)


def _shown(key: str, value: float) -> str:
    if key.endswith("_bytes"):
        return size(round(value))
    units = {"percent": "%", "celsius": "°C", "watts": "W"}
    return f"{value:.0f} {units[key.rpartition('_')[2]]}"
