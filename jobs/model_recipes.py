"""What a registered model asks of the data: its own tokens, pictures of its size. For recipes that nobody wrote, and
those that somebody did.
"""

from typing import Any

from catalog.base_models.layout import TOKENIZER
from catalog.base_models.queries import has_file
from catalog.base_models.tokenizers import has_chat_template
from catalog.models import BaseModel
from contract.problems import Problem, gettext_noop

Steps = list[dict[str, Any]]


def fitted(steps: Steps, model: BaseModel | None) -> Steps:
    """A default recipe so that `model` can take what it makes; as it is without a model."""
    if model is None:
        return steps
    if any(step["step"] == "tokenise" for step in steps):
        return [_own_words(_own_tokens(step, model), model) for step in steps] if has_file(model, TOKENIZER) else steps
    side = model.facts["config"].get("image_size")
    return _own_pictures(steps, side, model) if type(side) is int else steps


def continued(steps: Steps, before: Steps) -> Steps:
    """A default recipe for a model that goes on from a job with the recipe `before`: it reads what that one has read.

    Another tokenizer, or another way to write messages, would make noise of everything it has learnt.
    """
    own = {step["step"]: step for step in before if step.get("step") in ("tokenise", "chat-template")}
    return [own.get(step["step"], step) for step in steps]


def problems(steps: Steps, model: BaseModel | None) -> list[Problem]:
    """Bytes for a model that reads its own tokens: it would learn from noise."""
    if model is None or not has_file(model, TOKENIZER):
        return []
    sentence = gettext_noop('The model reads its own tokens, not bytes. Give this step "model": "%(model)s".')
    return [
        Problem(f"recipe.{index}.model", sentence, {"model": model.slug})
        for index, step in enumerate(steps)
        if step.get("step") == "tokenise" and not step.get("model")
    ]


def _own_tokens(step: dict[str, Any], model: BaseModel) -> dict[str, Any]:
    if step["step"] != "tokenise":
        return step
    most = model.facts["config"].get("max_position_embeddings", step["max_length"])
    return step | {"model": model.slug, "max_length": min(step["max_length"], most)}


def _own_words(step: dict[str, Any], model: BaseModel) -> dict[str, Any]:
    """A model that was taught to chat reads messages as it was taught them."""
    return step | {"template": "model"} if step["step"] == "chat-template" and has_chat_template(model) else step


def _own_pictures(steps: Steps, side: int, model: BaseModel) -> Steps:
    colour = {"step": "grayscale"} if model.facts["config"].get("num_channels") == 1 else {"step": "rgb"}
    mode = next((step["mode"] for step in steps if step["step"] == "resize"), "stretch")
    rest = [step for step in steps if step["step"] not in ("grayscale", "rgb", "resize")]
    return [colour, {"step": "resize", "size": [side, side], "mode": mode}, *rest]
