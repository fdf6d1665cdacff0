"""What one version of a dataset has otherwise than another: items added, removed and changed, by name."""

import json
import re
from collections import defaultdict
from typing import Any

from catalog import places
from catalog.models import DatasetVersion
from recipes.version import Item, read_items

MOST_LISTED = 1000


def diff(old: DatasetVersion, new: DatasetVersion) -> dict[str, Any]:
    """{"from", "to", "added", "removed", "changed", "moved": how many, "same": whether the hashes are equal, "items"}.

    An item with the same content and the same target is the same, whatever its name; moved: only its split differs.
    Of the others, two with one name are one that changed. items: each {"change", "name", "what"}, at most MOST_LISTED;
    `what` is a list of content, target.
    """
    gone, moved = _by_identity(old), 0
    come: list[Item] = []
    for item in read_items(places.version(new.content_hash)):
        same = gone.get(_identity(item))
        if not same:
            come.append(item)
            continue
        index = next((place for place, one in enumerate(same) if one.split == item.split), len(same) - 1)
        moved += same.pop(index).split != item.split
    left = {item.name: item for items in gone.values() for item in items}
    changed = [_changed(left.pop(item.name), item) for item in come if item.name in left]
    names = {row["name"] for row in changed}
    added = [_row("added", item) for item in come if item.name not in names]
    removed = [_row("removed", item) for item in left.values()]
    return {
        "from": old.number,
        "to": new.number,
        "same": old.content_hash == new.content_hash,
        "added": len(added),
        "removed": len(removed),
        "changed": len(changed),
        "moved": moved,
        "items": sorted(changed + added + removed, key=_by_numbers)[:MOST_LISTED],
    }


def _by_identity(version: DatasetVersion) -> dict[str, list[Item]]:
    found = defaultdict(list)
    for item in read_items(places.version(version.content_hash)):
        found[_identity(item)].append(item)
    return dict(found)


def _identity(item: Item) -> str:
    return f"{item.sha256} {_text(item.target)}"


def _changed(old: Item, new: Item) -> dict[str, Any]:
    content = old.sha256 != new.sha256 if old.file else old.data != new.data
    what = ["content"] * content + ["target"] * (_text(old.target) != _text(new.target))
    return {"change": "changed", "name": new.name, "what": what}


def _row(change: str, item: Item) -> dict[str, Any]:
    return {"change": change, "name": item.name, "what": []}


def _by_numbers(row: dict[str, Any]) -> list[Any]:
    """row 9 before row 10"""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", row["name"])]


def _text(target: dict[str, Any]) -> str:
    return json.dumps(target, sort_keys=True)
