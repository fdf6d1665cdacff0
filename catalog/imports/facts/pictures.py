"""Sizes, channels and formats of pictures, and their boxes."""

from collections import Counter
from typing import Any

from catalog.imports.facts.numbers import span, summary
from catalog.imports.items import Made

MOST_SIZES = 50


def facts(head: dict[str, Any], made: list[Made]) -> dict[str, Any]:
    items = [one.item for one in made]
    sizes = Counter((item.width, item.height, item.channels) for item in items)
    found = {
        "sizes": [_size(*size, count) for size, count in sizes.most_common(MOST_SIZES)],
        "distinct_sizes": len(sizes),
        "width": span([item.width for item in items]),
        "height": span([item.height for item in items]),
        "longer_side": summary([max(item.width, item.height) for item in items]),
        "channels": dict(sorted(Counter(str(item.channels) for item in items).items())),
        "formats": dict(sorted(Counter(one.format for one in made).items())),
    }
    if head["task"] == "object-detection":
        found["boxes"] = _boxes(made)
    return found


def _size(width: int, height: int, channels: int, count: int) -> dict[str, int]:
    return {"width": width, "height": height, "channels": channels, "count": count}


def _boxes(made: list[Made]) -> dict[str, Any]:
    boxes = [box for one in made for box in one.item.target["boxes"]]
    return {
        "count": len(boxes),
        "a_picture": summary([len(one.item.target["boxes"]) for one in made]),
        "longer_side": summary([max(box[2], box[3]) for box in boxes]),
        "without": sum(not one.item.target["boxes"] for one in made),
        "left_out": sum(len(one.skipped) for one in made),
        "cut": sum(one.cut for one in made),
    }
