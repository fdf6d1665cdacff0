"""Pictures of items, drawn when somebody looks at them, a page at a time, and kept.

Files that nobody has checked are opened in a child process here too: the web server never decodes one.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog import locks, places
from catalog.following import CRASHED
from catalog.models import DatasetVersion
from catalog.project_key import key_of
from recipes.recipe import Recipe
from recipes.sandbox import outside
from recipes.sandbox.outside import Limits
from recipes.version import Item, file_of

SIDE = 128
"""pixels of the longer side"""
SECONDS = 60
MOST_RECIPES = 20
"""kept for a version; the one looked at longest ago goes first"""
LIMITS = Limits(cpu_seconds=SECONDS)


@dataclass(frozen=True)
class Drawing:
    """A PNG, or why there is none."""

    path: Path
    reason: str = ""
    params: dict[str, Any] | None = None


def draw(version: DatasetVersion, items: dict[int, Item], steps: list[dict] | None = None) -> dict[int, Drawing]:
    """A picture of each item (by its number), as it came or after `steps` (already checked).

    Raises FileNotFoundError when it was let go meanwhile.
    """
    name = "as-it-came" if steps is None else Recipe.parse(steps).hash
    place = places.drawn(version.content_hash) / name
    with locks.drawing(version.content_hash):
        place.mkdir(parents=True, exist_ok=True)
        missing = {number: item for number, item in items.items() if not _there(place, number)}
        if missing:
            _draw(version, place, missing, steps)
            forget_old(place.parent)
    return {number: _drawing(place, number) for number in items}


def _draw(version: DatasetVersion, place: Path, items: dict[int, Item], steps: list[dict] | None) -> None:
    directory = places.files_of(version).resolve(strict=True)
    pictures = [
        {
            "file": str(file_of(directory, item)),
            "into": str(place / f"{number}.png"),
            "number": number,
            "boxes": item.target.get("boxes", []),
            "size": [item.width, item.height],
        }
        for number, item in items.items()
    ]
    common = {
        "pictures": pictures,
        "steps": steps,
        "side": SIDE,
        "classes": version.schema["classes"],
        "key": key_of(version.dataset.project),
    }
    skip: dict[str, str] = {}
    while len(skip) < len(pictures):
        answer = outside.run("recipes.draw:draw", {**common, "skip": skip}, limits=LIMITS, seconds=SECONDS)
        if answer.result is not None:
            for into, why in answer.result["unreadable"].items():
                Path(into).with_suffix(".json").write_text(json.dumps(why), encoding="utf-8")
            return
        if not answer.at or answer.at in skip:
            return
        skip[answer.at] = CRASHED


def _there(place: Path, number: int) -> bool:
    return (place / f"{number}.png").exists() or (place / f"{number}.json").exists()


def _drawing(place: Path, number: int) -> Drawing:
    path = place / f"{number}.png"
    if path.exists():
        return Drawing(path)
    why = path.with_suffix(".json")
    if why.exists():
        told = json.loads(why.read_text(encoding="utf-8"))
        return Drawing(path, told["reason"], told["params"])
    return Drawing(path, CRASHED, {})


def forget_old(parent: Path) -> None:
    """Keep what was drawn for the recipes looked at last."""
    recipes = sorted(
        (path for path in parent.iterdir() if path.name != "as-it-came"), key=lambda path: path.stat().st_mtime
    )
    for path in recipes[:-MOST_RECIPES]:
        shutil.rmtree(path, ignore_errors=True)
