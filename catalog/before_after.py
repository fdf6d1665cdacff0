"""Texts and rows before and after a recipe, worked out when somebody looks at them, and kept."""

import json
from typing import Any

from django.utils.translation import gettext as _

from catalog import places
from catalog.base_models import tokenizers
from catalog.drawings import LIMITS, SECONDS, forget_old
from catalog.following import CRASHED
from catalog.locks import alone
from catalog.models import DatasetVersion
from catalog.project_key import key_of
from recipes.recipe import Recipe
from recipes.sandbox import outside
from recipes.sandbox.outside import Answer

KEPT_IN = "before-after.json"


def before_after(version: DatasetVersion, numbers: list[int], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `recipes.before_after` tells of the items with these numbers; only {"problem"} of each when it cannot."""
    place = places.drawn(version.content_hash) / Recipe.parse(steps, kind=version.schema["kind"]).hash
    kept = place / KEPT_IN
    with alone(f"draw-{version.content_hash[:32]}", wait=True):
        if kept.exists():
            return json.loads(kept.read_text(encoding="utf-8"))
        answer = _worked_out(version, numbers, steps)
        if answer.result is None:
            return [{"problem": _why(answer)}] * len(numbers)
        place.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(answer.result["rows"]), encoding="utf-8")
        forget_old(place.parent)
        return answer.result["rows"]


def _worked_out(version: DatasetVersion, numbers: list[int], steps: list[dict[str, Any]]) -> Answer:
    project = version.dataset.project
    request: dict[str, Any] = {
        "version": str(places.files_of(version)),
        "steps": steps,
        "numbers": numbers,
        "key": key_of(project),
    }
    try:
        request["tokenizers"] = tokenizers.directories(steps, project)
    except tokenizers.StillImporting:
        return Answer(refused=_("The model of this tokenizer is still being imported."))
    return outside.run("recipes.before_after:before_after", request, limits=LIMITS, seconds=SECONDS)


def _why(answer: Answer) -> str:
    return _(answer.refused) % answer.params if answer.refused else _(CRASHED)
