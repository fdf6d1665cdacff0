"""Items of a version, a page at a time."""

import itertools
from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from catalog import places
from catalog.models import DatasetVersion
from recipes.version import SPLITS, Item, read_items

SAMPLES_A_PAGE = 24
MOST_A_PAGE = 100
"""over REST: a text may have a megabyte"""
PREVIEWED = 8


def samples(
    version: DatasetVersion, split: str = "", page: int = 1, label: str = "", size: int = SAMPLES_A_PAGE
) -> dict[str, Any]:
    """`size` items of `split` ("" = all) and class `label` ("" = all), with the addresses of their pictures.

    {"items", "page", "pages", "count"}; a page that is not there gives the nearest one.
    """
    classes = version.schema["classes"]
    if label and label in classes:
        found = [
            pair
            for pair in _numbered(version)
            if split in ("", pair[1].split) and classes.index(label) in labels_of(pair[1].target)
        ]
        count = len(found)
        page, pages, first = _place(page, count, size)
        return _page(version, found[first : first + size], page, pages, count)
    start, count = _range(version, split)
    page, pages, first = _place(page, count, size)
    shown = itertools.islice(_numbered(version), start + first, start + min(first + size, count))
    return _page(version, shown, page, pages, count)


def preview_numbers(version: DatasetVersion) -> list[int]:
    """The items that a preview shows: evenly spaced over the train split, so the same ones each time."""
    start, count = _range(version, "train")
    shown = min(PREVIEWED, count)
    return [start + index * count // shown for index in range(shown)]


def items_at(version: DatasetVersion, numbers: Iterable[int]) -> dict[int, Item]:
    """The items with these numbers (their lines in `items.jsonl`); numbers that are not there are left out."""
    wanted = {number for number in numbers if 0 <= number < version.items}
    last = max(wanted, default=-1)
    return {number: item for number, item in itertools.islice(_numbered(version), last + 1) if number in wanted}


def sample(version: DatasetVersion, number: int, item: Item) -> dict[str, Any]:
    """What every item has, and its picture, text, messages or row."""
    classes = version.schema["classes"]
    named = [classes[label] for label in dict.fromkeys(labels_of(item.target))]
    sample: dict[str, Any] = {
        "number": number,
        "name": item.name,
        "split": item.split,
        "class": ", ".join(named),
        "bytes": item.bytes,
        "target": item.target,
    }
    if item.group:
        sample["group"] = item.group
    if item.origin:
        sample["origin"] = item.origin
    if not item.file:
        return sample | {"data": item.data}
    address = reverse("dataset_image", args=[version.dataset.slug, version.number, number])
    size = {"width": item.width, "height": item.height, "channels": item.channels}
    return sample | size | {"image": address}


def labels_of(target: dict[str, Any]) -> list[int]:
    """The numbers of the classes that a target names."""
    if "label" in target:
        return [target["label"]]
    return target.get("labels") or [box[4] for box in target.get("boxes", ())]


def _numbered(version: DatasetVersion) -> Iterable[tuple[int, Item]]:
    return enumerate(read_items(places.files_of(version)))


def _range(version: DatasetVersion, split: str) -> tuple[int, int]:
    """First number and count of a split: items are stored in the order of splits."""
    if split not in SPLITS:
        return 0, version.items
    before = sum(version.splits[name]["count"] for name in SPLITS[: SPLITS.index(split)])
    return before, version.splits[split]["count"]


def _place(page: int, count: int, size: int) -> tuple[int, int, int]:
    pages = max(-(-count // size), 1)
    page = min(max(page, 1), pages)
    return page, pages, (page - 1) * size


def _page(version, shown: Iterable[tuple[int, Item]], page: int, pages: int, count: int) -> dict[str, Any]:
    items = [sample(version, number, item) for number, item in shown]
    return {"items": items, "page": page, "pages": pages, "count": count}
