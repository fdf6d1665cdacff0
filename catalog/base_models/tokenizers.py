"""Tokenizers of registered models, for recipes whose step `tokenise` names one by its slug."""

import json
from typing import Any

from django.db.models import QuerySet

from accounts.models import Project
from catalog import places
from catalog.base_models.layout import CHAT_TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS
from catalog.base_models.queries import has_file
from catalog.models import BaseModel, BaseModelState
from contract.problems import Problem, gettext_noop

UNKNOWN = gettext_noop("No model '%(model)s' in this project. Register it under Models, or use bytes.")
WITHOUT = gettext_noop("The model '%(model)s' has no tokenizer.json. Register it with one, or use bytes.")
FAILED = gettext_noop("The model '%(model)s' could not be imported. Open it to see why, or use bytes.")


class StillImporting(Exception):
    """A model of the recipe is on its way; the data can be prepared when it is there."""


def named(steps: list[dict[str, Any]]) -> set[str]:
    """Slugs of the models whose tokenizers a recipe uses."""
    return {str(step["model"]) for step in steps if step.get("step") == "tokenise" and step.get("model")}


def problems(steps: Any, project: Project, path: str = "recipe") -> list[Problem]:
    """Why the tokenizers of a recipe cannot be had; [] also for those of a model that is still importing."""
    found = []
    for index, step in enumerate(steps):
        slug = step.get("model") if step.get("step") == "tokenise" else ""
        if isinstance(slug, str) and slug and (sentence := _why_not(slug, project)):
            found.append(Problem(f"{path}.{index}.model", sentence, {"model": slug[:120]}))
    return found


def directories(steps: list[dict[str, Any]], project: Project) -> dict[str, str]:
    """{slug: directory with tokenizer.json}; a model that is not there is left out. Raises StillImporting."""
    models = _of(project).filter(slug__in=named(steps))
    if models.filter(state=BaseModelState.IMPORTING).exists():
        raise StillImporting
    ready = models.filter(state=BaseModelState.READY)
    return {model.slug: str(places.model(model.content_hash)) for model in ready if has_file(model, TOKENIZER)}


def has_chat_template(model: BaseModel) -> bool:
    """Whether the model says how messages are written for it; nothing of that is run here."""
    if has_file(model, CHAT_TEMPLATE):
        return True
    if not has_file(model, TOKENIZER_SETTINGS):
        return False
    settings = json.loads((places.model(model.content_hash) / TOKENIZER_SETTINGS).read_text(encoding="utf-8"))
    return isinstance(settings, dict) and bool(settings.get("chat_template"))


def _why_not(slug: str, project: Project) -> str:
    model = _of(project).filter(slug=slug).first()
    if model is None:
        return UNKNOWN
    if model.state == BaseModelState.FAILED:
        return FAILED
    return WITHOUT if model.state == BaseModelState.READY and not has_file(model, TOKENIZER) else ""


def _of(project: Project) -> QuerySet[BaseModel]:
    return BaseModel.objects.filter(project=project, removed_at=None)
