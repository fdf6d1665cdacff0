"""Whether a recipe fits the data it is for, from what is known of the data without opening it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.recipe import Recipe
from recipes.steps import (
    Balance,
    ChatTemplate,
    Normalise,
    Pack,
    RandomiseLabels,
    Shape,
    TableStep,
    TextStep,
    Tokenise,
    Truncate,
)
from recipes.steps.base import IMAGE, TEXT, Step
from recipes.steps.chat_template import MODEL
from recipes.table import Table, table_of

CAUSAL_LM = "causal-lm"
OWN_TEMPLATE = gettext_noop("Bytes have no chat template. Name a model in the 'tokenise' step, or write lines.")


@dataclass(frozen=True)
class Facts:
    """Of a version: its kind and task, the shapes of its pictures, the columns of its table."""

    kind: str
    task: str = ""
    shapes: frozenset[Shape] = frozenset()
    columns: list[dict[str, Any]] = field(default_factory=list)
    labelled: bool = True
    """whether every item is of one class"""


def problems_for(recipe: Recipe, facts: Facts, path: str = "recipe") -> list[Problem]:
    """Everything that keeps `recipe` from making data of one shape out of data like this."""
    if not facts.labelled and (problems := _label_problems(recipe, path)):
        return problems
    if facts.kind == IMAGE:
        return shape_problems(recipe, facts.shapes, path)
    if facts.kind == TEXT:
        return text_problems(recipe, facts.task, path)
    return table_problems(recipe, facts.columns, path)


def shape_problems(recipe: Recipe, shapes: Iterable[Shape], path: str = "recipe") -> list[Problem]:
    """What keeps pictures of these shapes from becoming alike, and parameters that do not fit their channels."""
    results = {recipe.shape_of(shape) for shape in shapes}
    if len({shape[1:] for shape in results}) > 1:
        sentence = gettext_noop("The pictures keep different sizes. Add a 'resize' step.")
        return [Problem(path, sentence)]
    if len(results) > 1:
        sentence = gettext_noop("Some pictures are grey and some are coloured. Add a 'grayscale' or an 'rgb' step.")
        return [Problem(path, sentence)]
    channels = results.pop().channels if results else 0
    sentence = gettext_noop("The pictures have %(channels)s channels; give as many numbers.")
    return [
        Problem(f"{path}.{place}.mean", sentence, {"channels": channels})
        for place, step in recipe.of(Normalise)
        if step.mean and channels and len(step.mean) != channels
    ]


def text_problems(recipe: Recipe, task: str, path: str = "recipe") -> list[Problem]:
    """Words have to become numbers, after they have been changed as words."""
    kinds = [type(step) for step in recipe.steps]
    if Tokenise not in kinds:
        return [Problem(path, gettext_noop("Words are not numbers yet. Add a 'tokenise' step."))]
    problems = text_order_problems(kinds, path)
    tokenise = next(step for _, step in recipe.of(Tokenise))
    problems += [
        Problem(f"{path}.{place}.template", OWN_TEMPLATE)
        for place, step in recipe.of(ChatTemplate)
        if step.template == MODEL and not tokenise.model
    ]
    if Pack in kinds and task not in ("", CAUSAL_LM):
        sentence = gettext_noop("'pack' is for language models: a packed row has no label of its own.")
        problems.append(Problem(f"{path}.{kinds.index(Pack)}.step", sentence))
    return problems


def text_order_problems(kinds: list[type[Step]], path: str = "recipe") -> list[Problem]:
    """Words are changed before the first `tokenise`, tokens after it."""
    if Tokenise not in kinds:
        return []
    at = kinds.index(Tokenise)
    late = [(place, kind) for place, kind in enumerate(kinds) if place > at and issubclass(kind, TextStep)]
    early = [(place, kind) for place, kind in enumerate(kinds) if place < at and issubclass(kind, Truncate | Pack)]
    return [_misplaced(path, place, kind) for place, kind in (*late, *early)]


def table_problems(recipe: Recipe, columns: list[dict[str, Any]], path: str = "recipe") -> list[Problem]:
    """Columns have to be there, and have to be numbers without gaps at the end."""
    table, context = table_of(columns, []), Context()
    for place, step in recipe.of(TableStep):
        if problems := step.problems(table, f"{path}.{place}"):
            return problems
        table = step.transform(table, step.start(), context)
    return _unfinished(table, path)


def _label_problems(recipe: Recipe, path: str) -> list[Problem]:
    sentence = gettext_noop("'%(name)s' needs data in which every item is of one class.")
    return [
        Problem(f"{path}.{place}.step", sentence, {"name": step.name})
        for place, step in enumerate(recipe.steps)
        if isinstance(step, Balance | RandomiseLabels)
    ]


def _unfinished(table: Table, path: str) -> list[Problem]:
    for column in table.columns:
        if column.is_words:
            sentence = gettext_noop("Column '%(name)s' holds words. Add a 'one-hot' step, or drop the column.")
            return [Problem(path, sentence, {"name": column.name})]
        if column.missing:
            sentence = gettext_noop("Column '%(name)s' has missing values. Add an 'impute' step, or drop the column.")
            return [Problem(path, sentence, {"name": column.name})]
    return []


def _misplaced(path: str, place: int, kind: type[Step]) -> Problem:
    before = gettext_noop("'%(name)s' changes words and comes before 'tokenise'.")
    after = gettext_noop("'%(name)s' works on tokens and comes after 'tokenise'.")
    return Problem(f"{path}.{place}.step", before if issubclass(kind, TextStep) else after, {"name": kind.name})
