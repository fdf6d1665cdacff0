"""What a measurement answered row by row: columns, and the rows that somebody wants to see."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from jobs.models import Errand
from results.models import Measurement

ROWS_A_PAGE = 24
ORDERS = ("worst", "row")


@dataclass(frozen=True)
class Wanted:
    """Rows whose true class and answer are these (None: any), the highest loss first or in their order."""

    true: int | None = None
    said: int | None = None
    order: str = "worst"
    page: int = 1


class Answers:
    """Of one measurement. Columns [n]: answer, loss; where the task has them true, confidence, score, weight."""

    def __init__(self, measurement: Measurement):
        stored = Errand.objects.values_list("rows", flat=True).get(pk=measurement.errand_id)
        self.pictures: dict[str, Any] = stored.pop("pictures", {})
        """by row: true and said boxes of the worst pictures"""
        self.columns = {name: _unpacked(column) for name, column in stored.items() if "base64" in column}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def value(self, name: str, row: int) -> Any:
        """A plain number; None where the column is missing."""
        column = self.columns.get(name)
        return None if column is None else column[row].item()

    def wanted(self, wanted: Wanted) -> list[int]:
        """Numbers of the rows that fit, in the order that is asked for."""
        fits = np.ones(len(self), bool)
        for name, value in (("true", wanted.true), ("answer", wanted.said)):
            if value is not None:
                fits &= self.columns[name] == value if name in self.columns else False
        rows = np.flatnonzero(fits)
        if wanted.order == "worst" and "loss" in self.columns:
            rows = rows[np.argsort(-self.columns["loss"][rows], kind="stable")]
        return rows.tolist()


def _unpacked(column: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(column["base64"]), np.dtype(column["dtype"]).newbyteorder("<"))
