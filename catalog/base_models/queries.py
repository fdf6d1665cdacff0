"""Base models as REST answers them and pages show them."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.permissions import visible
from catalog import places
from catalog.base_models import weights
from catalog.base_models.layout import CARD, TOKENIZER
from catalog.models import BaseModel, BaseModelState
from catalog.queries.datasets import iso

MOST_CARD_CHARS = 100_000


def models_of(actor: Any) -> QuerySet[BaseModel]:
    """The models that `actor` may see, newest first."""
    return _seen_by(actor).filter(removed_at=None)


def model_for(actor: Any, slug: str) -> BaseModel:
    """Raises BaseModel.DoesNotExist for one that is unknown, removed, or not for this actor: they look the same."""
    return models_of(actor).get(slug=slug)


def removed_for(actor: Any, slug: str) -> BaseModel | None:
    return _seen_by(actor).exclude(removed_at=None).select_related("removed_by").filter(slug=slug).first()


def model_json(model: BaseModel) -> dict[str, Any]:
    return {
        "slug": model.slug,
        "name": model.name,
        "state": model.state,
        "progress": round(model.progress, 4),
        "error": error_text(model),
        "source": model.source,
        "hash": model.content_hash,
        "family": model.family,
        "architecture": model.architecture,
        "tasks": model.tasks,
        "parameters": model.parameters,
        "bytes": model.bytes,
        "licence": model.licence,
        "tokenizer": has_file(model, TOKENIZER),
        "owner": model.owner.username,
        "project": model.project.slug,
        "created_at": iso(model.created_at),
    }


def model_detail(model: BaseModel) -> dict[str, Any]:
    """With its files, what config.json says, its tensors in sum, and what of the archive was left out."""
    return model_json(model) | {"files": model.files, "config": {}, "tensors": {}, "left_out": []} | model.facts


def error_text(model: BaseModel) -> str:
    params = {name: _(value) if name == "why" else value for name, value in model.error_params.items()}
    return _(model.error) % params if model.error else ""


def has_file(model: BaseModel, name: str) -> bool:
    return any(file["name"] == name for file in model.files)


def card(model: BaseModel) -> str:
    """README.md as text, without the facts for machines at its head; "" when there is none."""
    path = places.model(model.content_hash) / CARD
    if not has_file(model, CARD) or not path.is_file():
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read(MOST_CARD_CHARS)
    if text.startswith("---\n"):
        text = text.partition("\n---\n")[2] or text
    return text.strip()


def tensors(model: BaseModel) -> list[tuple[str, weights.Tensor]]:
    """(file, tensor) for each; read from the files, which were checked when they came in."""
    return weights.tensors_of(places.model(model.content_hash)) if model.state == BaseModelState.READY else []


def _seen_by(actor: Any) -> QuerySet[BaseModel]:
    return visible(actor, BaseModel.objects.select_related("owner", "project"))
