"""What the pages of base models show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts import filter_text
from catalog.base_models import queries
from catalog.models import BaseModel, BaseModelState

FILTERS = ("state", "task", "family")
TENSORS_SHOWN = 2000


@dataclass(frozen=True)
class StartingPoint:
    """The result of a job, from which another can start."""

    name: str
    detail: str
    url: str
    start_url: str


starting_points: list[Callable[[Any], list[StartingPoint]]] = []
"""Apps upstairs add a function: what else `actor` can start from, newest first."""


def filtered(actor: Any, text: str):
    """Models that every word and term of the filter bar fits, newest first, each with the number of its `uses`."""
    query = filter_text.parse(text, FILTERS)
    found = queries.models_of(actor).annotate(uses=Count("jobs"))
    if query.many("state"):
        found = found.filter(state__in=query.many("state"))
    if query.many("family"):
        found = found.filter(family__in=query.many("family"))
    for task in query.many("task"):
        found = found.filter(tasks__icontains=f'"{task}"')
    for word in query.words:
        found = found.filter(name__icontains=word)
    return found.order_by("-pk")


def is_busy(models) -> bool:
    """Whether something changes by itself soon."""
    return any(model.state == BaseModelState.IMPORTING for model in models)


def one(model: BaseModel) -> dict[str, Any]:
    """Files, facts, tensors and card of a model that is ready."""
    tensors = queries.tensors(model)
    return {
        "card": queries.card(model),
        "config": model.facts.get("config", {}).items(),
        "left_out": model.facts.get("left_out", []),
        "types": model.facts.get("tensors", {}).get("types", {}).items(),
        "tensors": [_row(file, tensor) for file, tensor in tensors[:TENSORS_SHOWN]],
        "tensor_count": len(tensors),
        "tensors_more": max(len(tensors) - TENSORS_SHOWN, 0),
        "start_url": start_url(model),
        "tokenizer": queries.has_file(model, queries.TOKENIZER),
    }


def start_url(model: BaseModel) -> str:
    """A new job that starts from this model, for the task it was made for."""
    asked = {"model": model.slug} | ({"task": model.tasks[0]} if model.tasks else {})
    return f"{reverse('job_new')}?{urlencode(asked)}"


def short(count: int) -> str:
    """22713728 → 22.7 M: as people speak of parameters."""
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return str(count)


def _row(file: str, tensor) -> dict[str, Any]:
    shape = " × ".join(map(str, tensor.shape)) or _("a single number")
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": shape, "count": tensor.count, "file": file}
