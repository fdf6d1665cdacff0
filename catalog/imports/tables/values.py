"""Single values of a table: numbers as people write them, yes and no, and what is missing."""

import re
from decimal import Decimal
from typing import Any

from catalog.imports.tables.table import is_missing

POINT_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+|\d{1,3}(,\d{3})+\.\d+)([eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?(\d+(,\d*)?|,\d+|\d{1,3}(\.\d{3})+,\d+)([eE][+-]?\d+)?")
"""thousands may be set apart where a fraction follows: alone, 1.234 could be both"""
LARGEST = 3.4028234663852886e38
"""that float32 holds: nets learn from these"""
TRUE, FALSE = {"true", "yes"}, {"false", "no"}


def is_number_text(text: str, decimal: str = ".") -> bool:
    return bool((COMMA_NUMBER if decimal == "," else POINT_NUMBER).fullmatch(text.strip()))


def is_code(text: str) -> bool:
    """Digits that are a name: 007, 01234. A number would lose its zeros."""
    text = text.strip()
    return len(text) > 1 and text.isdecimal() and text[0] == "0"


def is_number(value: Any, decimal: str = ".") -> bool:
    """Whether it is or writes a number, be it one too large to reckon with (1e400)."""
    if isinstance(value, str):
        return is_number_text(value, decimal)
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def number(value: Any, decimal: str = ".") -> float | int | None:
    """The number that a value is or writes; None when it is none, missing, or beyond LARGEST."""
    if isinstance(value, bool) or is_missing(value):
        return None
    if isinstance(value, str):
        if not is_number_text(value, decimal):
            return None
        text = value.strip().replace("." if decimal == "," else ",", "").replace(",", ".")
        value = int(text) if text.lstrip("+-").isdecimal() and len(text) < 16 else float(text)
    if isinstance(value, Decimal):
        value = float(value)
    if not isinstance(value, int | float) or not abs(value) <= LARGEST:
        return None
    return value


def yes_or_no(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = value.strip().casefold() if isinstance(value, str) else ""
    return True if word in TRUE else False if word in FALSE else None


def text(value: Any) -> str | None:
    """None when it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
