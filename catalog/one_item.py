"""One item through the steps of a dataset's recipe, for a model to be tried on; and words made of a model's tokens.

What was handed in lies in a directory of its own for as long as the child process runs.
"""

import tempfile
from typing import Any

from django.utils.translation import gettext as _

from catalog import places
from catalog.base_models import tokenizers
from catalog.following import CRASHED
from catalog.models import DatasetVersion, PreparedData
from catalog.project_key import key_of
from recipes.sandbox import outside
from recipes.sandbox.outside import Answer, Limits
from recipes.tokens import Bytes

SECONDS = 30
LIMITS = Limits(cpu_seconds=SECONDS)


class NotPrepared(ValueError):
    """The item cannot go through the recipe; the text says why."""


def prepare_one(version: DatasetVersion, prepared: PreparedData, steps: list[dict], given: dict[str, Any]) -> dict:
    """`given` as `recipes.one_item` takes it; what that makes of it. Raises NotPrepared."""
    manifest = prepared.manifest
    with tempfile.TemporaryDirectory(prefix="fleetune-try-") as place:
        request = {
            "version": str(places.version(version.content_hash)),
            "steps": steps,
            "place": place,
            "shape": manifest["input"]["shape"],
            "target": manifest["target"]["column"],
            "given": given,
        }
        return _worked(version, "prepare_one", steps, request)


def words_of(version: DatasetVersion, steps: list[dict], tokens: list[int]) -> str:
    """The text of `tokens`, as the recipe's tokenizer has them. Raises NotPrepared."""
    model = next((step.get("model", "") for step in steps if step.get("step") == "tokenise"), "")
    if not model:
        return Bytes().decode(tokens)
    return _worked(version, "words_of", steps, {"tokens": tokens, "model": model})["text"]


def _worked(version: DatasetVersion, what: str, steps: list[dict], request: dict[str, Any]) -> dict[str, Any]:
    project = version.dataset.project
    try:
        request |= {"tokenizers": tokenizers.directories(steps, project), "key": key_of(project)}
    except tokenizers.StillImporting as error:
        raise NotPrepared(_("The model of this tokenizer is still being imported.")) from error
    answer = outside.run(f"recipes.one_item:{what}", request, limits=LIMITS, seconds=SECONDS)
    if answer.result is None:
        raise NotPrepared(_why(answer))
    return answer.result


def _why(answer: Answer) -> str:
    return _(answer.refused) % answer.params if answer.refused else _(CRASHED)
