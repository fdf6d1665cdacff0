"""Template filters, loaded everywhere: numbers, sizes, times and states as every page shows them.

`static/js/format.js` says the same on the client.
"""

import math
from datetime import datetime
from urllib.parse import urlencode

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

register = template.Library()

MISSING = "—"
SHARES = (
    "accuracy",
    "exact_match",
    "f1_macro",
    "map",
    "map_50",
    "map_75",
    "percent",
    "precision_macro",
    "recall_macro",
    "token_accuracy",
    "top_3_accuracy",
    "top_5_accuracy",
)
"""the last words of metric keys whose values are shown as percentages"""

STATES = {
    "pending": ("clock", gettext_lazy("Queued")),
    "claimed": ("half", gettext_lazy("Preparing")),
    "starting": ("half", gettext_lazy("Preparing")),
    "running": ("play", gettext_lazy("Running")),
    "checkpointing": ("down", gettext_lazy("Saving")),
    "draining": ("down", gettext_lazy("Wrapping up")),
    "cancelling": ("square", gettext_lazy("Stopping")),
    "succeeded": ("tick", gettext_lazy("Done")),
    "failed": ("cross", gettext_lazy("Failed")),
    "cancelled": ("slash", gettext_lazy("Stopped")),
    "joining": ("half", gettext_lazy("Joining")),
    "online": ("tick", gettext_lazy("Online")),
    "busy": ("play", gettext_lazy("Busy")),
    "drained": ("pause", gettext_lazy("Drained")),
    "problem": ("cross", gettext_lazy("Problem")),
    "offline": ("unlink", gettext_lazy("Offline")),
    "importing": ("half", gettext_lazy("Importing")),
    "review": ("clock", gettext_lazy("To be checked")),
    "building": ("half", gettext_lazy("Preparing")),
    "ready": ("tick", gettext_lazy("Ready")),
    "waiting": ("clock", gettext_lazy("Waiting")),
    "stale": ("clock", gettext_lazy("Stale")),
    "paused": ("pause", gettext_lazy("Paused")),
    "local": ("chip", gettext_lazy("On the device")),
    "complete": ("tick", gettext_lazy("Complete")),
    "damaged": ("cross", gettext_lazy("Damaged")),
    "pruned": ("slash", gettext_lazy("Removed")),
}
TONE_ICONS = {"ok": "tick", "bad": "cross", "warn": "clock", "info": "info", "hold": "pause", "neutral": "info"}


@register.filter
def state_icon(state: str) -> str:
    """The icon of a state of a job, an attempt, a device, a dataset or a checkpoint."""
    return STATES.get(state, ("dot", ""))[0]


@register.filter
def state_word(state: str) -> str:
    """The word for a state that people read."""
    return str(STATES.get(state, ("", state))[1])


@register.filter
def tone_icon(tone: str) -> str:
    return TONE_ICONS.get(tone, "info")


@register.filter
def significant(value: float | None, digits: int = 4) -> str:
    """`value` with four significant digits: 0.03142, 12.35, 1.204e-06."""
    if value is None or not isinstance(value, int | float):
        return MISSING
    if not math.isfinite(value):
        return _("not a number") if math.isnan(value) else "∞"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}" if abs(value) < 1e-4 else f"{value:.{max(digits - _whole_digits(value), 0)}f}"


def _whole_digits(value: float) -> int:
    return math.floor(math.log10(abs(value))) + 1


@register.filter
def metric(value: float | None, key: str) -> str:
    """A value of the metric `key`: shares as per cent with one decimal, the rest with four significant digits."""
    if isinstance(value, int | float) and math.isfinite(value) and key.rsplit("/", 1)[-1] in SHARES:
        return f"{value * 100:.1f}%"
    return significant(value)


@register.filter
def percent(share: float | None) -> str:
    """0.62 as 62%."""
    return MISSING if share is None else f"{share * 100:.0f}%"


@register.filter
def whole(value: int | None) -> str:
    """12345 as 12,345."""
    return MISSING if value is None else f"{value:,}"


@register.filter
def size(value: int | None) -> str:
    """Bytes in KiB, MiB or GiB."""
    if value is None:
        return MISSING
    if value < 1024:
        return f"{value} B"
    power = min(int(math.log2(value) / 10), 4)
    amount = value / 1024**power
    return f"{amount:.{0 if amount >= 100 else 1}f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


@register.filter
def duration(seconds: float | None) -> str:
    """How long: 8.4 s, 42 s, 12 min, 1 h 20 min, 2 d 3 h."""
    if seconds is None or seconds < 0:
        return MISSING
    if 0 < seconds < 0.05:
        return _("< 0.1 s")
    if seconds < 10:
        return _("%(n)s s") % {"n": f"{seconds:.1f}".removesuffix(".0")}
    if seconds < 90:
        return _("%(n)s s") % {"n": round(seconds)}
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(n)s min") % {"n": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return _("%(h)s h %(m)s min") % {"h": hours, "m": minutes}
    return _("%(d)s d %(h)s h") % {"d": hours // 24, "h": hours % 24}


@register.filter
def ago(moment: datetime | None) -> str:
    """A moment in words, with the full time in the tooltip and in the markup."""
    if moment is None:
        return MISSING
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < 10:
        words = _("just now")
    elif seconds < 86_400 * 7:
        words = _("%(duration)s ago") % {"duration": duration(seconds)}
    else:
        words = date_format(timezone.localtime(moment), "j M Y")
    return _moment(moment, words)


@register.filter
def clock(moment: datetime | None) -> str:
    """The time of day of a moment, with the full time in the tooltip and in the markup."""
    return MISSING if moment is None else _moment(moment, date_format(timezone.localtime(moment), "H:i:s"))


def _moment(moment: datetime, words: str) -> str:
    full = date_format(timezone.localtime(moment), "j M Y H:i:s e")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), full, words)


@register.filter
def short_hash(value: str | None) -> str:
    """The four characters by which people recognise a hash."""
    return (value or "")[:4] or MISSING


@register.filter
def milliseconds(seconds: float | None) -> str:
    """A part of a step's time: 12 ms, 0.4 ms, 1.2 s."""
    if seconds is None:
        return MISSING
    if seconds >= 1:
        return _("%(n)s s") % {"n": f"{seconds:.1f}"}
    return _("%(n)s ms") % {"n": f"{seconds * 1000:.0f}" if seconds >= 0.01 else f"{seconds * 1000:.1f}"}


@register.filter
def identity(primary_key: int) -> int:
    """The number that gives a device its colour, the same in every list, chart and export."""
    return primary_key - 1


@register.filter
def hue(number: int) -> int:
    """Which of the eight chart colours a job or a device with this identity number has: 1 to 8."""
    return number % 8 + 1


@register.filter
def as_key_query(keys: str) -> str:
    """`a b` as `&key=a&key=b`."""
    return "".join(f"&{urlencode({'key': key})}" for key in keys.split())
