"""What the values of each column are: numbers, categories, yes or no, texts, or lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from catalog.imports.tables import values
from catalog.imports.tables.table import Table, is_missing

MOST_CATEGORIES = 1000
FEW = 20
SHORT_WORDS = 3


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    """number, category, boolean, text, list, or empty"""
    count: int
    missing: int
    distinct: int
    is_whole: bool = False
    """a number column of whole numbers only"""

    @property
    def is_unique(self) -> bool:
        return self.distinct == self.count - self.missing > 0


def describe(table: Table, decimal: str) -> dict[str, Column]:
    return {name: _described(name, table.column(name), decimal) for name in table.names}


def decimal_of(table: Table, asked: str) -> str:
    """ "." or ",": a comma where a column consists of comma numbers, and none of point numbers with a fraction."""
    if asked:
        return "," if asked == "comma" else "."
    if table.detected.get("delimiter") in (None, "comma"):
        return "."
    commas = points = 0
    for name in table.names:
        texts = [value for value in table.column(name) if isinstance(value, str) and not is_missing(value)]
        commas += bool(texts) and any("," in text for text in texts) and _all_numbers(texts, ",")
        points += bool(texts) and any("." in text for text in texts) and _all_numbers(texts, ".")
    return "," if commas > points else "."


def _all_numbers(texts: Iterable[str], decimal: str) -> bool:
    return all(values.is_number_text(text, decimal) for text in texts)


def _described(name: str, column: list[Any], decimal: str) -> Column:
    there = [value for value in column if not is_missing(value)]
    missing = len(column) - len(there)
    if not there:
        return Column(name, "empty", len(column), missing, 0)
    if any(isinstance(value, list | dict) for value in there):
        return Column(name, "list", len(column), missing, len(there))
    kind, distinct = _kind(there, decimal)
    whole = kind == "number" and all(float(values.number(value, decimal) or 0).is_integer() for value in there)
    return Column(name, kind, len(column), missing, distinct, whole)


def _kind(there: list[Any], decimal: str) -> tuple[str, int]:
    distinct = len({str(value) for value in there})
    if all(values.yes_or_no(value) is not None for value in there):
        return "boolean", distinct
    if all(values.is_number(value, decimal) for value in there) and not _are_codes(there):
        return "number", distinct
    few_words = sum(len(str(value).split()) for value in there) < SHORT_WORDS * len(there)
    repeated = distinct * 2 <= len(there)
    is_category = distinct <= MOST_CATEGORIES and (repeated or (distinct <= FEW and few_words))
    return ("category" if is_category else "text"), distinct


def _are_codes(there: list[Any]) -> bool:
    return any(isinstance(value, str) and values.is_code(value) for value in there)
