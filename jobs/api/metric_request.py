"""What a request to `/metrics/` asks for, checked once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from contract.problems import Invalid, Problem, gettext_noop, unknown

FORMATS = ("json", "csv", "parquet")
NAMES = ("key", "rank", "after", "max_points", "fmt", "first_step", "last_step", "smooth")
DEFAULT_POINTS = 1000
LARGEST = 2**53
HEAVIEST = 0.99


@dataclass(frozen=True)
class MetricRequest:
    keys: list[str] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    after: int | None = None
    max_points: int = DEFAULT_POINTS
    """0 = all"""
    fmt: str = "json"
    first_step: int | None = None
    last_step: int | None = None
    smooth: float = 0.0

    @classmethod
    def of(cls, query: Any) -> "MetricRequest":
        """Read a QueryDict. Raises Invalid with every problem. Files hold all points unless a number is asked for."""
        problems: list[Problem] = [unknown(name, name, NAMES) for name in query if name not in NAMES]
        reader = _Reader(query, problems)
        fmt = query.get("fmt", "json")
        if fmt not in FORMATS:
            problems.append(unknown("fmt", fmt, FORMATS))
        request = cls(
            keys=[key[:120] for key in query.getlist("key")][:100],
            ranks=[rank for rank in (reader.whole(text, "rank") for text in query.getlist("rank")) if rank is not None],
            after=reader.one("after"),
            max_points=reader.one("max_points", DEFAULT_POINTS if fmt == "json" else 0),
            fmt=fmt,
            first_step=reader.one("first_step"),
            last_step=reader.one("last_step"),
            smooth=reader.weight(),
        )
        if problems:
            raise Invalid(problems)
        return request

    @property
    def zoomed(self) -> bool:
        return self.first_step is not None or self.last_step is not None


@dataclass
class _Reader:
    query: Any
    problems: list[Problem]

    def one(self, name: str, default: int | None = None) -> Any:
        values = self.query.getlist(name)
        if len(values) > 1:
            self.problems.append(Problem(name, gettext_noop("Give this parameter once.")))
        return self.whole(values[0], name) if values else default

    def whole(self, text: str, name: str) -> int | None:
        return self._number(text, name, int, text.isascii() and text.isdecimal() and len(text) < 17)

    def weight(self) -> float:
        text = self.query.get("smooth", "0")
        plain = text.isascii() and text.replace(".", "", 1).isdecimal() and len(text) < 10
        if not plain or not 0 <= float(text) <= HEAVIEST:
            self.problems.append(Problem("smooth", gettext_noop("Expected a number from 0 to 0.99.")))
            return 0.0
        return float(text)

    def _number(self, text: str, name: str, kind: Callable[[str], int], ok: bool) -> int | None:
        if ok and kind(text) <= LARGEST:
            return kind(text)
        self.problems.append(Problem(name, gettext_noop("Expected a whole number from 0.")))
        return None
