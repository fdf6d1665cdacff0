"""What a layout makes of a bundle: candidates for items, and how it came to see them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from recipes.images import Unreadable


@dataclass(frozen=True)
class Box:
    """One object in a picture: x and y of the top left corner, width and height, and the number of its class."""

    x: float
    y: float
    width: float
    height: float
    label: int
    name: str
    """how its reason names it when it is left out"""
    relative: bool = False
    """in parts of the picture instead of pixels"""


@dataclass(frozen=True)
class Candidate:
    """What might become an item: a picture (`read` gives its bytes) or inline `data`."""

    name: str
    target: dict[str, Any] = field(default_factory=dict)
    split: str = ""
    group: str = ""
    read: Callable[[], bytes] | None = None
    position: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    boxes: tuple[Box, ...] | None = None
    size: tuple[int, int] | None = None
    """width and height that a list claims for the picture"""
    origin: dict[str, Any] = field(default_factory=dict)
    """of what came from the web: url, licence, fetched_at"""


@dataclass
class Plan:
    """`why` is a sentence with named placeholders for `why_params`: why this layout and this task."""

    layout: str
    task: str
    candidates: list[Candidate]
    classes: list[str]
    why: str
    why_params: dict[str, Any] = field(default_factory=dict)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    """already known to be of no use: {"name", "reason", "params", "of"}"""
    ignored: int = 0
    """files that operating systems leave behind"""
    multi: bool = False
    """an item may have several labels"""
    head: dict[str, Any] = field(default_factory=dict)
    """more of the version's head: columns and target_name of a table"""
    detected: dict[str, Any] = field(default_factory=dict)
    """encoding, delimiter, decimal, columns with their roles"""


FILE, ROW, BOX = "file", "row", "box"


def listed(name: str, error: Unreadable, of: str = FILE) -> dict[str, Any]:
    """What is left out, `of` which there are many: a file, a row or a box."""
    return {"name": name, "reason": error.sentence, "params": error.params, "of": of}


def class_order(labels) -> list[str]:
    """Names of classes in the order that people expect: numbers by value, words by letter."""
    texts = {str(label) for label in labels}
    if all(re.fullmatch(r"-?\d{1,18}", text) for text in texts):
        return sorted(texts, key=int)
    return sorted(texts)
