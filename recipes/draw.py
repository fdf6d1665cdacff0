"""Small pictures of items for people to look at: as they came, or after a recipe. PNG, in a child process."""

from pathlib import Path
from typing import Any

from PIL import Image

from recipes.images import Unreadable, decode
from recipes.recipe import Recipe
from recipes.sandbox.inside import Reporter


def draw(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: pictures [{file, into}], steps (None: as it came), side, skip.

    Writes each file as PNG to `into`. Returns {"unreadable": {into: {"reason", "params"}}}.
    """
    recipe = Recipe.parse(request["steps"]) if request["steps"] is not None else None
    unreadable = {}
    for picture in request["pictures"]:
        reporter.at(picture["file"])
        try:
            if picture["file"] in request.get("skip", {}):
                raise Unreadable(request["skip"][picture["file"]])
            _draw(picture, recipe, request["side"])
        except Unreadable as error:
            unreadable[picture["into"]] = {"reason": error.sentence, "params": error.params}
    return {"unreadable": unreadable}


def _draw(picture: dict[str, str], recipe: Recipe | None, side: int) -> None:
    data = Path(picture["file"]).read_bytes()
    image = recipe.read(data) if recipe else decode(data)
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    into = Path(picture["into"])
    part = into.with_suffix(".part")
    image.save(part, "PNG")
    part.replace(into)
