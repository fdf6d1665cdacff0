"""Recipes as the server sees them: a default for each version, and what keeps one from fitting."""

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from catalog.models import DatasetVersion
from contract.problems import Problem
from contract.tasks import TASKS
from recipes import placing
from recipes.fitting import Facts, problems_for
from recipes.obfuscation import applied as applied_in
from recipes.obfuscation import planned
from recipes.recipe import Recipe, problems_of
from recipes.steps import STEPS, Shape

KEPT_UP_TO = 64
"""pixels: small pictures that are all alike are left as they are; larger ones are made this small at most"""
DETECTED_UP_TO = 128
"""pixels of a picture with boxes: objects in it are smaller than the picture"""
MULTIPLE_OF = 8
NEARLY_SQUARE = (0.8, 1.25)
SHORTEST_TEXT, LONGEST_TEXT = 16, 256
"""tokens"""
LANGUAGE_MODEL_TEXT = 256


def default_steps(version: DatasetVersion, task: str) -> list[dict[str, Any]]:
    """A recipe that works for this version without a decision of the user."""
    kind = TASKS[task].kind
    if kind == "text":
        return _text(version.schema, task)
    if kind == "table":
        return _table(version.schema)
    return _image(version.schema) if task != "object-detection" else _boxes(version.schema)


def check(steps: Any, schema: dict[str, Any], path: str = "recipe", task: str = "") -> list[Problem]:
    """Everything that is wrong with `steps`, for data of this schema."""
    kind = schema["kind"]
    problems = problems_of(steps, path, kind)
    if problems:
        return problems
    recipe = Recipe.parse(steps, path, kind)
    unwritten = len(recipe.steps) - len(steps)  # `decode` need not be there
    return [_at_written(problem, path, unwritten) for problem in problems_for(recipe, _facts(schema, task), path)]


def same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    """Whether both, already checked, do the same: defaults need not be written."""
    return Recipe.parse(one).hash == Recipe.parse(other).hash


def _at_written(problem: Problem, path: str, unwritten: int) -> Problem:
    """`problem` under the number that its step has in what was written."""
    number, _dot, parameter = problem.path.removeprefix(f"{path}.").partition(".")
    return replace(problem, path=f"{path}.{int(number) - unwritten}.{parameter}") if number.isdecimal() else problem


def last_place(name: str, steps: list[dict[str, Any]], schema: dict[str, Any], task: str) -> int:
    """Where a new step goes among `steps`, for data of this schema."""
    return placing.last_place(name, steps, _facts(schema, task))


def where(path: str, steps: Any) -> str:
    """What a problem of a recipe is about, for people: "Step 2, resize, size"; "" for the recipe as a whole."""
    _recipe, number, *parts = [*path.split("."), ""][:3]
    if not number:
        return ""
    step = steps[int(number)] if isinstance(steps, list) and int(number) < len(steps) else None
    name = str(step.get("step", "")) if isinstance(step, dict) else ""
    named = [part for part in (name, *parts) if part and part != "step"]
    return ", ".join([_("Step %(number)s") % {"number": int(number) + 1}, *named])


def _facts(schema: dict[str, Any], task: str) -> Facts:
    sizes = schema.get("sizes", [])
    shapes = frozenset(Shape(size["channels"], size["height"], size["width"]) for size in sizes)
    labelled = not task or TASKS[task].target == "label"
    return Facts(schema["kind"], task, shapes, schema.get("columns", []), labelled)


def without_private(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps as devices and exports may know them: of what must not leave the server only how many there are."""
    return [
        {name: {"count": len(value)} if name in STEPS[step["step"]].private else value for name, value in step.items()}
        for step in steps
    ]


def obfuscation(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What was hidden in prepared data: {step, report}, and in words {text, protects, does_not_protect, counted,
    caution}.
    """
    return [
        {
            "step": applied.step,
            "text": _(applied.sentence) % applied.params,
            "protects": _(applied.protects),
            "does_not_protect": _(applied.does_not_protect),
            "report": applied.report,
            "counted": _counted(applied.report),
            "caution": _(applied.caution) % applied.caution_params if applied.caution else "",
        }
        for applied in applied_in(manifest)
    ]


def will_hide(steps: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """As `obfuscation`, of steps (already checked) that nothing was prepared with yet."""
    return obfuscation(planned(Recipe.parse(steps, kind=kind), kind))


def _counted(report: dict[str, Any]) -> str:
    """The numbers of a report, as people read them: "email 3, name 1"."""
    told = []
    for name, value in report.items():
        if isinstance(value, dict):
            told += [f"{name.replace('_', ' ')} {inner} {number:.4g}" for inner, number in value.items()]
        elif isinstance(value, int | float):
            told.append(f"{name.replace('_', ' ')} {value if isinstance(value, int) else format(value, '.4g')}")
    return ", ".join(told)


def words(steps: list[dict[str, Any]]) -> list[str]:
    """Each step as a sentence, translated."""
    return [_(sentence) % params for sentence, params in Recipe.parse(steps).words()]


def _image(schema: dict[str, Any]) -> list[dict[str, Any]]:
    scale = {"step": "scale", "to": [0, 1]}
    alike = schema["distinct_sizes"] == 1
    if alike and max(schema["width"]["max"], schema["height"]["max"]) <= KEPT_UP_TO:
        return [scale]
    return [_colour(schema), _resize(schema), scale]


def _boxes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A padded square: nothing is cut off, and boxes keep their proportions."""
    side = _side(max(schema["width"]["median"], schema["height"]["median"]), DETECTED_UP_TO)
    pad = {"step": "resize", "size": [side, side], "mode": "pad"}
    return [_colour(schema), pad, {"step": "scale", "to": [0, 1]}]


def _text(schema: dict[str, Any], task: str) -> list[dict[str, Any]]:
    """Bytes; as long as most texts are, up to a length that trains quickly."""
    if task == "causal-lm":
        return [
            {"step": "chat-template"},
            {"step": "tokenise", "max_length": LANGUAGE_MODEL_TEXT},
            {"step": "pack"},
        ]
    lengths = schema.get("lengths", {})
    wanted = min(lengths.get("max", LONGEST_TEXT) + 2, 2 * lengths.get("median", LONGEST_TEXT))
    length = -(-int(wanted) // MULTIPLE_OF) * MULTIPLE_OF
    return [{"step": "tokenise", "max_length": min(max(length, SHORTEST_TEXT), LONGEST_TEXT)}]


def _table(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Free text is left out: hardly any two rows share a value of it."""
    free = [column["name"] for column in schema["columns"] if column["type"] == "text"]
    dropped = [{"step": "drop-columns", "columns": free}] if 0 < len(free) < len(schema["columns"]) else []
    return [*dropped, {"step": "impute"}, {"step": "one-hot"}, {"step": "standardise"}]


def _colour(schema: dict[str, Any]) -> dict[str, Any]:
    return {"step": "grayscale"} if set(schema["channels"]) == {"1"} else {"step": "rgb"}


def _resize(schema: dict[str, Any]) -> dict[str, Any]:
    """A square near the median of the shorter sides; padded when most pictures are far from square."""
    width, height = schema["width"]["median"], schema["height"]["median"]
    side = _side(min(width, height), KEPT_UP_TO)
    mode = "stretch" if NEARLY_SQUARE[0] <= width / height <= NEARLY_SQUARE[1] else "pad"
    return {"step": "resize", "size": [side, side], "mode": mode}


def _side(pixels: float, most: int) -> int:
    return min(max(int(pixels) // MULTIPLE_OF * MULTIPLE_OF, MULTIPLE_OF), most)
