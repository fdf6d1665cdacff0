"""What a report is made of, whatever it is written as: sections of sentences, tables and charts."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """The first cell of a row names it. Without a `head` it is a list of names and values."""

    rows: Sequence[tuple[str, ...]]
    head: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """Points in order of x; those that are not finite are left out where it is drawn."""

    name: str
    points: list[tuple[float, float]]
    dots: bool = False
    """single dots instead of a line through them"""


@dataclass(frozen=True)
class Chart:
    title: str
    x: str
    """what lies along it"""
    lines: list[Line]


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[str | Table | Chart] = ()
