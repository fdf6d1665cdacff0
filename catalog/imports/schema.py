"""What a version consists of, counted once at import: pages, checks and the default recipe read it from the row."""

from collections import Counter
from statistics import median
from typing import Any

from recipes.version import SPLITS, Item

MOST_SIZES = 50
MOST_LISTED = 1000


def describe(
    head: dict[str, Any], items: list[Item], formats: Counter, unreadable: list[dict], ignored: int
) -> dict[str, Any]:
    """{"schema": …, "splits": …} as `catalog.models.DatasetVersion` keeps them."""
    sizes = Counter((item.width, item.height, item.channels) for item in items)
    schema = {
        "kind": head["kind"],
        "classes": head["classes"],
        "items": len(items),
        "sizes": [_size(*size, count) for size, count in sizes.most_common(MOST_SIZES)],
        "distinct_sizes": len(sizes),
        "width": _range([item.width for item in items]),
        "height": _range([item.height for item in items]),
        "channels": dict(sorted(Counter(str(item.channels) for item in items).items())),
        "formats": dict(sorted(formats.items())),
        "split_rule": head["split_rule"],
        "duplicates": len(items) - len({item.sha256 for item in items}),
        "unreadable": unreadable[:MOST_LISTED],
        "unreadable_count": len(unreadable),
        "ignored": ignored,
    }
    return {"schema": schema, "splits": {split: _counted(split, head["classes"], items) for split in SPLITS}}


def _size(width: int, height: int, channels: int, count: int) -> dict[str, int]:
    return {"width": width, "height": height, "channels": channels, "count": count}


def _range(values: list[int]) -> dict[str, float]:
    return {"min": min(values), "median": median(values), "max": max(values)}


def _counted(split: str, classes: list[str], items: list[Item]) -> dict[str, Any]:
    labels = Counter(item.target["label"] for item in items if item.split == split)
    return {"count": sum(labels.values()), "classes": {name: labels[index] for index, name in enumerate(classes)}}
