"""What was measured for a limit, in words: the figure with its unit, where it was taken, and from how many."""

from typing import Any

from django.utils.translation import gettext as _

from config import formats
from contract.requirement import BYTES, MILLISECONDS, RATE, SECONDS


def shown(row: dict[str, Any]) -> str:
    """Of one verdict: `4.1 ms · model.onnx on lab-1 · n = 100`; "" when nothing was measured."""
    if row["value"] is None:
        return ""
    where = [row["file"], _("on %(device)s") % {"device": row["device"]} if row["device"] else ""]
    parts = [figure(row["value"], row["unit"], row["key"]), " ".join(part for part in where if part)]
    parts += [f"n = {row['n']}"] if row["n"] else []
    return " · ".join(part for part in parts if part)


def figure(value: float, unit: str, key: str) -> str:
    """A value in the units in which people state limits."""
    if unit == next(iter(MILLISECONDS)):
        return f"{formats.significant(value, 3)} ms"
    if unit == next(iter(SECONDS)):
        return formats.duration(value)
    if unit == next(iter(RATE)):
        return f"{formats.whole(round(value))} /s"
    if unit == next(iter(BYTES)):
        name = next((name for name in ("GB", "MB", "kB") if value >= BYTES[name]), "")
        return f"{formats.significant(value / BYTES[name], 3)} {name}" if name else f"{value:.0f} B"
    return formats.metric(value, key)
