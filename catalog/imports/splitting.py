"""Splits where none are given: stratified by class, decided by content, so the same files always split the same way."""

from collections import defaultdict
from collections.abc import Sequence

VALIDATION, TEST = 0.1, 0.1


def split_by_content(contents: Sequence[str], labels: Sequence[int], *, test: bool = True) -> list[str]:
    """A split for each item. `contents` are hashes; equal ones stay together, so that no copy leaks into a test.

    80 % train, 10 % validation, 10 % test of each class (without `test`: 90 % and 10 %). From three different
    contents on, a class is in every split; a single one is trained on.
    """
    by_label: dict[int, set[str]] = defaultdict(set)
    home: dict[str, int] = {}
    for content, label in zip(contents, labels, strict=True):
        by_label[home.setdefault(content, label)].add(content)
    split_of: dict[str, str] = {}
    for unique in by_label.values():
        split_of |= _shares(sorted(unique), test)
    return [split_of[content] for content in contents]


def _shares(ordered: list[str], with_test: bool) -> dict[str, str]:
    count = len(ordered)
    test = _share(count, TEST, 2) if with_test else 0
    validation = _share(count, VALIDATION, 3 if with_test else 2)
    names = ["test"] * test + ["validation"] * validation
    return dict(zip(ordered, names + ["train"] * (count - len(names)), strict=True))


def _share(count: int, part: float, least: int) -> int:
    """`part` of `count`, at least one from `least` on."""
    return max(round(count * part), 1) if count >= least else 0
