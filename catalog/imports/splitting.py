"""Splits where none are given: stratified by class, decided by content, so the same files always split the same way."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from catalog.imports.items import Made

VALIDATION, TEST = 0.1, 0.1
DECILES = 10


def with_splits(made: list[Made]) -> tuple[list[Made], str]:
    """The items with a split each, and how it came about: given, made, or given and completed from train."""
    given = {one.item.split for one in made}
    if "train" not in given or "" in given:
        return _placed(made, _split(made, test=True)), "made"
    if {"validation", "test"} <= given:
        return made, "given"
    train = [one for one in made if one.item.split == "train"]
    rest = [one for one in made if one.item.split != "train"]
    names = _split(train, test=given == {"train"})
    if given == {"train", "validation"}:
        names = ["test" if name == "validation" else name for name in names]
    return rest + _placed(train, names), "completed"


def split_by_content(units: Sequence[str], strata: Sequence[Any], *, test: bool = True) -> list[str]:
    """A split for each item. Items of one unit (their content's hash, or their group) stay together.

    80 % train, 10 % validation, 10 % test of each stratum (without `test`: 90 % and 10 %). From three different
    units on, a stratum is in every split; a single one is trained on.
    """
    by_stratum: dict[Any, set[str]] = defaultdict(set)
    home: dict[str, Any] = {}
    for unit, stratum in zip(units, strata, strict=True):
        by_stratum[home.setdefault(unit, stratum)].add(unit)
    split_of: dict[str, str] = {}
    for unique in by_stratum.values():
        split_of |= _shares(sorted(unique), test)
    return [split_of[unit] for unit in units]


def _placed(made: list[Made], splits: list[str]) -> list[Made]:
    return [replace(one, item=replace(one.item, split=split)) for one, split in zip(made, splits, strict=True)]


def _split(made: list[Made], *, test: bool) -> list[str]:
    return split_by_content([_unit(one) for one in made], _strata(made), test=test)


def _unit(one: Made) -> str:
    return hashlib.sha256(one.item.group.encode()).hexdigest() if one.item.group else one.content


def _strata(made: list[Made]) -> list[Any]:
    """What every split should hold its share of: classes, or tenths of the range of values."""
    targets = [one.item.target for one in made]
    if targets and "value" in targets[0]:
        ordered = sorted(target["value"] for target in targets)
        edges = [ordered[len(ordered) * tenth // DECILES] for tenth in range(1, DECILES)]
        return [sum(target["value"] >= edge for edge in edges) for target in targets]
    return [_first_label(target) for target in targets]


def _first_label(target: dict[str, Any]) -> int:
    if "label" in target:
        return target["label"]
    labels = target.get("labels") or [box[4] for box in target.get("boxes", ())]
    return min(labels, default=-1)


def _shares(ordered: list[str], with_test: bool) -> dict[str, str]:
    count = len(ordered)
    test = _share(count, TEST, 2) if with_test else 0
    validation = _share(count, VALIDATION, 3 if with_test else 2)
    names = ["test"] * test + ["validation"] * validation
    return dict(zip(ordered, names + ["train"] * (count - len(names)), strict=True))


def _share(count: int, part: float, least: int) -> int:
    """`part` of `count`, at least one from `least` on."""
    return max(round(count * part), 1) if count >= least else 0
