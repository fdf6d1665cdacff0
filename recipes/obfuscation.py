"""What prepared data says of the steps that hid something: in words, for pages and reports."""

from dataclasses import dataclass
from typing import Any

from recipes.recipe import Recipe
from recipes.steps import STEPS, RemoveMetadata, Step
from recipes.steps.base import IMAGE


@dataclass(frozen=True)
class Applied:
    """One step. Sentences are to be translated; `sentence` is filled with `params`."""

    step: str
    sentence: str
    params: dict[str, Any]
    protects: str
    does_not_protect: str
    report: dict[str, Any]
    """what the step counted"""
    caution: str
    """a sentence for whoever relies on it, filled with `caution_params`; "" for nothing"""
    caution_params: dict[str, Any]


def applied(manifest: dict[str, Any]) -> list[Applied]:
    """The steps of a manifest that hide something, in their order; none of data that is older than this list."""
    return [_applied(entry) for entry in manifest.get("obfuscation", []) if entry["step"] in STEPS]


def planned(recipe: Recipe, kind: str) -> dict[str, Any]:
    """What a manifest will say of the steps of `recipe` that hide something, before anything was counted."""
    return {"obfuscation": [step.to_manifest() | {"report": {}} for _place, step in hiding(recipe, kind)]}


def hiding(recipe: Recipe, kind: str) -> list[tuple[int, Step]]:
    """The steps that hide something, each with its place; of pictures always one that drops metadata, named or not."""
    steps: list[tuple[int, Step]] = [(place, step) for place, step in enumerate(recipe.steps) if step.protects]
    named = any(recipe.of(RemoveMetadata))
    return steps if named or kind != IMAGE else [(-1, RemoveMetadata()), *steps]


def _applied(entry: dict[str, Any]) -> Applied:
    kind = STEPS[entry["step"]]
    unknown = ("step", "report", *kind.private)  # of what is private it has the number only
    parameters = {name: value for name, value in entry.items() if name not in unknown}
    sentence, params = kind.from_json(parameters).words()
    told = kind.protects, kind.does_not_protect, entry["report"], *kind.caution(entry["report"])
    return Applied(kind.name, sentence, params, *told)
