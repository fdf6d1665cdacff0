"""A version once more, without what its checks list: read from its own files, so that splits and names stay."""

import hashlib
import itertools
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from catalog.imports import copies
from catalog.imports.items import Made
from catalog.imports.plan import Box, Candidate, Plan
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused
from recipes.version import SPLITS, Item, file_of, read_head, read_items

WITHOUT = ("contradictions", "leaks", "near_leaks", "duplicates")
"""what can be left out, in the order in which it is"""
OF_THE_FILE = {"format", "items", "items_sha256", "task", "kind", "classes", "split_rule", "multi"}
"""parts of a version's head that its writer makes anew"""


def version_plan(directory: Path, number: int) -> Plan:
    """The items of version `number` as candidates for another one."""
    head = read_head(directory)
    return Plan(
        "cleaned",
        head["task"],
        [_candidate(directory, item, place) for place, item in enumerate(read_items(directory))],
        head["classes"],
        gettext_noop("It is version %(number)s without what its checks had found."),
        {"number": number},
        multi=head.get("multi", False),
        head={name: value for name, value in head.items() if name not in OF_THE_FILE},
    )


def clean(made: list[Made], kind: str, without: Iterable[str], split_rule: str) -> tuple[list[Made], str]:
    """What stays, and how its splits came about. Raises Refused when nothing would go, or all of a split."""
    kept = made
    for name in WITHOUT:
        if name in without:
            gone = FOUND[name](kind, kept)
            kept = [one for index, one in enumerate(kept) if index not in gone]
    if len(kept) == len(made):
        raise Refused(gettext_noop("This version holds nothing of what you want to leave out."))
    for split in {one.item.split for one in made} - {one.item.split for one in kept}:
        sentence = gettext_noop("Nothing would be left of the split '%(split)s'. Leave less out, or bring other data.")
        raise Refused(sentence, split=split)
    return kept, split_rule


def _contradictions(_kind: str, made: list[Made]) -> set[int]:
    """All examples of a content that comes with different labels: nobody knows which label is right."""
    groups = copies.by_content(made).values()
    return {index for indices in groups if copies.contradicts(made, indices) for index in indices}


def _leaks(_kind: str, made: list[Made]) -> set[int]:
    return {index for index, _other, _likeness in copies.exact_leaks(made)}


def _near_leaks(kind: str, made: list[Made]) -> set[int]:
    return {index for index, _other, _likeness in copies.near_leaks(kind, made)}


def _duplicates(_kind: str, made: list[Made]) -> set[int]:
    """All but one of each content; one to train on stays before one to test with."""
    gone: set[int] = set()
    for indices in copies.by_content(made).values():
        ordered = sorted(indices, key=lambda index: SPLITS.index(made[index].item.split))
        gone.update(itertools.islice(ordered, 1, None))
    return gone


FOUND = {
    "contradictions": _contradictions,
    "leaks": _leaks,
    "near_leaks": _near_leaks,
    "duplicates": _duplicates,
}


def _candidate(directory: Path, item: Item, place: int) -> Candidate:
    told: dict[str, Any] = {"group": item.group, "origin": item.origin, "position": place}
    if not item.file:
        return Candidate(item.name, item.target, item.split, data=item.data, **told)
    target = {name: value for name, value in item.target.items() if name != "boxes"}
    boxes = tuple(_box(item, *row) for row in item.target["boxes"]) if "boxes" in item.target else None
    return Candidate(item.name, target, item.split, read=partial(_read, directory, item), boxes=boxes, **told)


def _box(item: Item, x: float, y: float, width: float, height: float, label: int) -> Box:
    return Box(x, y, width, height, label, item.name)


def _read(directory: Path, item: Item) -> bytes:
    data = file_of(directory, item).read_bytes()
    if hashlib.sha256(data).hexdigest() != item.sha256:
        raise Unreadable(gettext_noop("The stored file is damaged: its hash is not the one noted at import."))
    return data
