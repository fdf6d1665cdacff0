"""Rows that are nearly alike: equal once words lose capitals and punctuation and numbers all but three digits, or so
but for one column. Rows of few possible values agree by chance, which tells nothing: only what chance would hardly
bring is a near copy. One column is looked at at a time, so that memory grows with the rows and not with the table.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

MOST_VALUES = 2_000_000
"""that are compared: of a table of 20 columns the first 100,000 rows"""
BY_CHANCE = 0.01
"""rows that would agree with a given one although they have nothing to do with it, at most"""
FEWEST_COLUMNS = 4
"""of which one may differ"""
Values = list[Any]


def near_pairs(rows: list[Values], splits: list[str]) -> list[tuple[int, int, float]]:
    """(index of a held-out row, index of a row in another split that is nearly alike, share of columns alike).

    A row with a few near copies is paired with the likest one.
    """
    width = len(rows[0]) if rows else 0
    rows = rows[: MOST_VALUES // max(width, 1)]
    bits, whole = [], np.zeros(len(rows), np.uint64)
    for column in range(width):
        codes = _codes(rows, column)
        bits.append(_bits(codes))
        whole += _spread(codes, column)
    found: dict[int, tuple[int, float]] = {}
    if _is_telling(sum(bits), len(rows)):
        _note(found, whole, splits, 1.0)
    for column in range(width if width >= FEWEST_COLUMNS else 0):
        if _is_telling(sum(bits) - bits[column], len(rows) * width):
            without = whole - _spread(_codes(rows, column), column)
            _note(found, without, splits, (width - 1) / width)
    return [(index, other, likeness) for index, (other, likeness) in sorted(found.items())]


def _is_telling(bits: float, compared: int) -> bool:
    return compared * 2.0**-bits <= BY_CHANCE


def _codes(rows: list[Values], column: int) -> np.ndarray:
    """uint64 [rows]: equal for values that are nearly alike."""
    known: dict[Any, int] = {}
    return np.fromiter((known.setdefault(_plain(row[column]), len(known)) for row in rows), np.uint64, len(rows))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(re.findall(r"\w+", value.casefold())) or value.strip()
    if isinstance(value, bool) or value is None:
        return str(value), type(value)
    return float(f"{value:.3g}")


def _bits(codes: np.ndarray) -> float:
    """How much it says that two rows agree in a column: minus the logarithm of how likely two at random do (Rényi's
    entropy of order two). Added up over columns as if they were independent.
    """
    shares = np.bincount(codes.astype(np.int64)) / max(len(codes), 1)
    return float(-np.log2((shares**2).sum())) if len(codes) else 0.0


def _spread(codes: np.ndarray, column: int) -> np.ndarray:
    """uint64 [rows] of well mixed bits (splitmix64), another one for each code of each column; sums wrap around."""
    mixed = codes + np.uint64(column << 40) + np.uint64(1)
    mixed = mixed * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _note(found: dict[int, tuple[int, float]], keys: np.ndarray, splits: list[str], likeness: float) -> None:
    """Pair held-out rows with one of the same key in another split, unless they have a likelier partner already."""
    for same in _groups(keys):
        keeper = next((index for index in same if splits[index] == "train"), same[0])
        for index in same:
            if splits[index] != splits[keeper]:
                found.setdefault(index, (keeper, likeness))


def _groups(keys: np.ndarray) -> Iterator[list[int]]:
    """The indices of rows that share a key, of every key that several have."""
    order = np.argsort(keys, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(keys[order])) + 1, [len(order)]])
    for start in np.flatnonzero(np.diff(starts) > 1):
        yield order[starts[start] : starts[start + 1]].tolist()
