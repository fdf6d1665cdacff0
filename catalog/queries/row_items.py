"""Which item of a version each row of its prepared data is."""

import json
from collections import Counter
from functools import lru_cache

from catalog import places
from catalog.models import PreparedData
from recipes.index import Index
from recipes.recipe import Recipe
from recipes.version import SPLITS

KEPT = 8


def items_of_rows(prepared: PreparedData, split: str) -> list[int]:
    """Numbers of the items in the order of the rows of `split`; [] where rows are not items (packed texts), and where
    the version does not lie here any more."""
    dropped = prepared.manifest.get("dropped", {}).get("items", [])
    names = tuple(sorted(one["name"] for one in dropped if one["split"] == split))
    version, steps = prepared.version, json.dumps(prepared.recipe.steps)
    if not places.version(version.content_hash).is_dir():
        return []
    numbers = _in_order(version.content_hash, steps, version.schema["kind"], split, names)
    return list(numbers) if len(numbers) == prepared.manifest["splits"].get(split, {}).get("count", 0) else []


@lru_cache(maxsize=KEPT)
def _in_order(content_hash: str, steps: str, kind: str, split: str, dropped: tuple[str, ...]) -> tuple[int, ...]:
    left_out = Counter(dropped)
    with Index(places.version(content_hash)) as index:
        order = Recipe.parse(json.loads(steps), kind=kind).order(index)
        numbers = [number for number in order if index.splits[number] == SPLITS.index(split)]
        if not left_out:
            return tuple(numbers)
        kept = []
        for number in numbers:
            name = index.item(number).name
            left_out[name] -= 1
            if left_out[name] < 0:
                kept.append(number)
        return tuple(kept)
