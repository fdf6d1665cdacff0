"""Where a version is weakest."""

from types import SimpleNamespace

import numpy as np
import pytest

from recipes.version import Item
from results.slices import _cuts, _Metric, _slices


def item(number: int, **more) -> Item:
    return Item(sha256="", bytes=1, split="test", name=str(number), **more)


def cut(items, columns=()):
    return {(what, value): len(rows) for what, values in _cuts(items, list(columns)) for value, rows in _slices(values)}


def test_groups_and_words_are_parts_and_numbers_are_cut_into_thirds():
    rows = [{"values": ["red" if number % 3 else "blue", float(number)]} for number in range(90)]
    found = cut([item(number, group=f"g{number % 2}", data=row) for number, row in enumerate(rows)], ["colour", "age"])
    assert found["group", "g0"] == found["group", "g1"] == 45
    assert (found["colour", "red"], found["colour", "blue"]) == (60, 30)
    assert [size for (what, _value), size in found.items() if what == "age"] == [30, 30, 30]


def test_parts_with_few_samples_and_things_that_do_not_differ_are_not_told():
    assert cut([item(number, width=8, height=8) for number in range(50)]) == {}
    assert cut([item(number, group="rare" if number < 5 else "usual") for number in range(50)]) == {
        ("group", "usual"): 45
    }


def test_a_part_has_the_metric_of_its_own_rows():
    columns = {"score": np.array([1.0] * 30 + [0.0] * 30), "weight": np.ones(60)}
    metric = _Metric(SimpleNamespace(columns=columns), root=False)
    assert metric.of(np.arange(15, 45))["metric"] == pytest.approx(0.5)
    told = metric.of(np.arange(30, 60))
    assert (told["metric"], told["low"], told["high"]) == (0.0, 0.0, 0.0)
