"""Recipes as the server sees them: a default for each version, and what keeps one from fitting."""

from typing import Any

from django.utils.translation import gettext as _

from catalog.models import DatasetVersion
from contract.problems import Problem
from recipes.recipe import Recipe, problems_of, shape_problems
from recipes.steps import Shape

KEPT_UP_TO = 64
"""pixels: small pictures that are all alike are left as they are; larger ones are made this small at most"""
MULTIPLE_OF = 8
NEARLY_SQUARE = (0.8, 1.25)


def default_steps(version: DatasetVersion, task: str) -> list[dict[str, Any]]:
    """A recipe that works for this version without a decision of the user."""
    schema = version.schema
    scale = {"step": "scale", "to": [0, 1]}
    alike = schema["distinct_sizes"] == 1
    if alike and max(schema["width"]["max"], schema["height"]["max"]) <= KEPT_UP_TO:
        return [scale]
    colour = {"step": "grayscale"} if set(schema["channels"]) == {"1"} else {"step": "rgb"}
    return [colour, _resize(schema), scale]


def check(steps: Any, schema: dict[str, Any], path: str = "recipe") -> list[Problem]:
    """Everything that is wrong with `steps`, for data of this schema."""
    problems = problems_of(steps, path)
    if problems:
        return problems
    shapes = {Shape(size["channels"], size["height"], size["width"]) for size in schema["sizes"]}
    return shape_problems(Recipe.parse(steps, path), shapes, path)


def words(steps: list[dict[str, Any]]) -> list[str]:
    """Each step as a sentence, translated."""
    return [_(sentence) % params for sentence, params in Recipe.parse(steps).words()]


def _resize(schema: dict[str, Any]) -> dict[str, Any]:
    """A square near the median of the shorter sides; padded when most pictures are far from square."""
    width, height = schema["width"]["median"], schema["height"]["median"]
    side = int(min(width, height)) // MULTIPLE_OF * MULTIPLE_OF
    side = min(max(side, MULTIPLE_OF), KEPT_UP_TO)
    mode = "stretch" if NEARLY_SQUARE[0] <= width / height <= NEARLY_SQUARE[1] else "pad"
    return {"step": "resize", "size": [side, side], "mode": mode}
