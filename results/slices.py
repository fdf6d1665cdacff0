"""Where a version is weakest: the leading metric by group, size, length, or value of a column."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from catalog.queries import items_at
from catalog.queries.row_items import items_of_rows
from contract.tasks import TASKS
from recipes.version import Item
from results.answers import Answers
from results.models import Measurement

FEWEST = 20
"""samples of a slice of which a number is told"""
MOST_ROWS = 20_000
MOST_VALUES = 12
"""different values of a column or group; with more, numbers are cut into thirds and words are left out"""
SHOWN = 8
RESAMPLES = 300


def weakest(measurement: Measurement) -> dict[str, Any]:
    """all (the metric of every row), and slices, the worst first: what (it is cut by), value, n, metric, low, high."""
    return _weakest(measurement.pk, measurement.created_at.isoformat(), get_language() or "")


@lru_cache(maxsize=64)
def _weakest(number: int, _at: str, _language: str) -> dict[str, Any]:
    measurement = Measurement.objects.select_related("job", "prepared__version").get(pk=number)
    answers, prepared = Answers(measurement), measurement.prepared
    numbers = items_of_rows(prepared, measurement.split)
    facts = TASKS[measurement.job.task]
    if "score" not in answers.columns or not 0 < len(numbers) <= MOST_ROWS:
        return {"all": None, "slices": []}
    items = items_at(prepared.version, numbers)
    columns = [column["name"] for column in prepared.version.schema.get("columns", [])]
    metric = _Metric(answers, root=facts.headline == "rmse")
    found: list[dict[str, Any]] = [
        {"what": what, "value": value, "n": len(rows), **metric.of(rows)}
        for what, values in _cuts([items[number] for number in numbers], columns)
        for value, rows in _slices(values)
    ]
    found.sort(key=lambda one: one["metric"], reverse=not facts.higher_is_better)
    return {"all": metric.of(np.arange(len(numbers)))["metric"], "slices": found[:SHOWN]}


class _Metric:
    """Sum of scores over sum of weights of some rows; its root for RMSE."""

    def __init__(self, answers: Answers, *, root: bool):
        self._score, self._weight = (answers.columns[name].astype(float) for name in ("score", "weight"))
        self._root = root

    def of(self, rows: np.ndarray) -> dict[str, float]:
        generator = np.random.default_rng(0)
        drawn = [self._value(rows[generator.integers(0, len(rows), len(rows))]) for _resample in range(RESAMPLES)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return {"metric": self._value(rows), "low": float(low), "high": float(high)}

    def _value(self, rows: np.ndarray) -> float:
        value = float(self._score[rows].sum()) / max(float(self._weight[rows].sum()), 1e-12)
        return math.sqrt(value) if self._root else value


def _cuts(items: list[Item], columns: list[str]) -> Iterator[tuple[str, list[Any]]]:
    """By what items can be told apart, with the value of each."""
    yield _("group"), [item.group or None for item in items]
    yield _("pixels"), [item.width * item.height or None for item in items]
    yield _("letters"), [len(item.data["text"]) if "text" in item.data else None for item in items]
    for place, name in enumerate(columns):
        yield name, [(item.data.get("values") or [None] * len(columns))[place] for item in items]


def _slices(values: list[Any]) -> Iterator[tuple[str, np.ndarray]]:
    known = {value for value in values if value is not None}
    if len(known) < 2:
        return
    if len(known) <= MOST_VALUES:
        cut = {value: np.array([row for row, one in enumerate(values) if one == value]) for value in known}
        yield from ((str(value), rows) for value, rows in cut.items() if len(rows) >= FEWEST)
    elif all(isinstance(value, int | float) for value in known):
        yield from _thirds(np.array([math.nan if value is None else float(value) for value in values]))


def _thirds(values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    first, second = np.nanquantile(values, [1 / 3, 2 / 3])
    ends = {"low": f"{first:.4g}", "high": f"{second:.4g}"}
    for name, chosen in (
        (_("up to %(low)s") % ends, values <= first),
        (_("%(low)s to %(high)s") % ends, (values > first) & (values <= second)),
        (_("above %(high)s") % ends, values > second),
    ):
        rows = np.flatnonzero(chosen)
        if len(rows) >= FEWEST:
            yield name, rows
