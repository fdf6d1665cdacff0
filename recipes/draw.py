"""Small pictures of items for people to look at: as they came, or after a recipe. PNG, in a child process."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from recipes.context import Context
from recipes.images import Unreadable, decode
from recipes.picture import clipped, corners, decoded
from recipes.recipe import Recipe
from recipes.sandbox.inside import Reporter

COLOURS = ((230, 57, 70), (42, 157, 143), (33, 103, 214), (244, 162, 30), (155, 81, 224), (16, 185, 129))
"""of boxes, by class"""


def draw(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: pictures [{file, into, number, boxes, size}], steps (None: as it came),
    side; and where they are needed skip {file: reason}, key (hexadecimal), classes.

    Writes each file as PNG to `into`, its boxes ([x, y, width, height, class]) drawn. Returns {"unreadable": {into:
    {"reason", "params"}}}.
    """
    recipe = Recipe.parse(request["steps"], kind="image") if request["steps"] is not None else None
    unreadable = {}
    for picture in request["pictures"]:
        reporter.at(picture["file"])
        try:
            if picture["file"] in request.get("skip", {}):
                raise Unreadable(request["skip"][picture["file"]])
            _save(_drawn(picture, recipe, request), Path(picture["into"]))
        except Unreadable as error:
            unreadable[picture["into"]] = {"reason": error.sentence, "params": error.params}
    return {"unreadable": unreadable}


def _drawn(picture: dict[str, Any], recipe: Recipe | None, request: dict[str, Any]) -> Image.Image:
    data = Path(picture["file"]).read_bytes()
    boxes = corners(picture.get("boxes", []))
    if recipe:
        context = Context(
            picture.get("number", 0),
            classes=tuple(request.get("classes", [])),
            key=bytes.fromhex(request.get("key", "")),
        )
        image, boxes = recipe.apply(decoded(recipe.decode(data), boxes, tuple(picture["size"])), context)
    else:
        image = decode(data)
    return _with_boxes(image, clipped(boxes, image.width, image.height), request["side"])


def _with_boxes(image: Image.Image, boxes: np.ndarray, side: int) -> Image.Image:
    """`image` at most `side` pixels wide and high, with lines of one pixel around its objects."""
    width, height = image.size
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    if len(boxes):
        image = image.convert("RGB")
        pen = ImageDraw.Draw(image)
        across, down = image.width / width, image.height / height
        for left, top, right, bottom, label in boxes.tolist():
            edges = (
                left * across,
                top * down,
                max(right * across - 1, left * across),
                max(bottom * down - 1, top * down),
            )
            pen.rectangle(edges, outline=COLOURS[int(label) % len(COLOURS)])
    return image


def _save(image: Image.Image, into: Path) -> None:
    part = into.with_suffix(".part")
    image.save(part, "PNG")
    part.replace(into)
