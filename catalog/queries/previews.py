"""Eight items of a version before and after a recipe: pictures with their boxes, texts with their tokens, rows."""

import json
from typing import Any
from urllib.parse import quote

from django.urls import reverse
from django.utils.translation import gettext as _

from catalog import drawings
from catalog.before_after import before_after
from catalog.models import DatasetVersion
from catalog.queries.samples import items_at, preview_numbers, sample
from recipes.recipe import Recipe
from recipes.steps import Shape
from recipes.version import Item


def preview(version: DatasetVersion, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Eight items of the train split, spread over it, before and after `steps` (already checked).

    Each: what `samples` tells, and `problem` when it cannot be read. Of pictures `after` (address of the picture) and
    `shape_after`; of texts `before`, `after`, `tokens_before`, `tokens` and of chats `learned`; of rows `before` and
    `after`, lists of {"name", "value"}.
    """
    items = items_at(version, preview_numbers(version))
    if version.schema["kind"] == "image":
        return _pictures(version, items, steps)
    shown = before_after(version, list(items), steps)
    return [
        sample(version, number, item) | {"problem": ""} | told
        for (number, item), told in zip(items.items(), shown, strict=True)
    ]


def _pictures(version: DatasetVersion, items: dict[int, Item], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    recipe = Recipe.parse(steps, kind="image")
    drawn = drawings.draw(version, items, steps)
    query = f"?recipe={quote(json.dumps(steps, separators=(',', ':')))}"
    rows = []
    for number, item in items.items():
        why = drawn[number]
        address = reverse("dataset_preview_image", args=[version.dataset.slug, version.number, number])
        more = {
            "after": address + query,
            "shape_after": recipe.shape_of(Shape(item.channels, item.height, item.width))._asdict(),
            "problem": _(why.reason) % (why.params or {}) if why.reason else "",
        }
        rows.append(sample(version, number, item) | more)
    return rows
