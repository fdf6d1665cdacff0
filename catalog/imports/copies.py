"""What is in a version more than once, and what leaks from one split into another."""

from collections import defaultdict
from typing import Any

import numpy as np

from catalog.imports import near_pictures, near_rows, near_texts
from catalog.imports.items import Made

MOST_PAIRS = 100


def find_copies(kind: str, made: list[Made]) -> dict[str, Any]:
    """{"duplicates", "contradictions", "leaks": {"exact", "near", "pairs"}}.

    duplicates: items beyond the first of each content. contradictions: contents with different targets.
    exact and near count held-out items (not of train) whose content, or nearly that, is in another split too.
    """
    groups, exact, near = by_content(made), exact_leaks(made), near_leaks(kind, made)
    pairs = [_pair(made, *pair, "exact") for pair in exact[:MOST_PAIRS]]
    pairs += [_pair(made, *pair, "near") for pair in near[: MOST_PAIRS - len(pairs)]]
    return {
        "duplicates": len(made) - len(groups),
        "contradictions": sum(contradicts(made, indices) for indices in groups.values()),
        "leaks": {"exact": len(exact), "near": len({pair[0] for pair in near}), "pairs": pairs},
    }


def by_content(made: list[Made]) -> dict[str, list[int]]:
    """The indices of the items of each content."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(made):
        found[one.content].append(index)
    return found


def exact_leaks(made: list[Made]) -> list[tuple[int, int, float]]:
    """(index of a held-out item, index of the same in another split, 1)"""
    found = []
    for indices in by_content(made).values():
        if len({made[index].item.split for index in indices}) < 2:
            continue
        keeper = next((index for index in indices if made[index].item.split == "train"), indices[0])
        found += [(index, keeper, 1.0) for index in indices if made[index].item.split != made[keeper].item.split]
    return found


def near_leaks(kind: str, made: list[Made]) -> list[tuple[int, int, float]]:
    """As `exact_leaks`, of items that are nearly but not quite the same."""
    return [pair for pair in _near(kind, made) if made[pair[0]].content != made[pair[1]].content]


def _near(kind: str, made: list[Made]) -> list[tuple[int, int, float]]:
    splits = [one.item.split for one in made]
    if kind == "image":
        looks = [one.look for one in made if one.look is not None]
        return near_pictures.near_pairs(np.stack(looks), splits) if len(looks) == len(made) and made else []
    if kind == "text":
        return near_texts.near_pairs([text_of(one.item.data) for one in made], splits)
    return near_rows.near_pairs([one.item.data["values"] for one in made], splits)


def text_of(data: dict[str, Any]) -> str:
    """All the text of an item."""
    return data["text"] if "text" in data else "\n".join(message["content"] for message in data["messages"])


def contradicts(made: list[Made], indices: list[int]) -> bool:
    """Whether items of one content differ in what is to be learnt of them."""
    first = made[indices[0]].item.target
    return any(made[index].item.target != first for index in indices[1:])


def _pair(made: list[Made], index: int, other: int, likeness: float, kind: str) -> dict[str, Any]:
    one, two = made[index].item, made[other].item
    return {
        "kind": kind,
        "a": one.name,
        "split_a": one.split,
        "b": two.name,
        "split_b": two.split,
        "likeness": round(likeness, 3),
    }
