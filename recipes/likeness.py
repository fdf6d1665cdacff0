"""Another dataset as a model takes it: what its recipe learned from the model's own data stays as it was learned.

Classes get the model's numbers and columns its order, by their names. Pictures of another size or colour get the steps
that make them alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contract.problems import gettext_noop
from recipes.index import Index
from recipes.recipe import Recipe
from recipes.sandbox.inside import Refused
from recipes.steps import DeviceStep, ImageStep, Resize, Shape
from recipes.steps.grayscale import Grayscale
from recipes.steps.rgb import Rgb
from recipes.version import Item

OTHER_INPUT = gettext_noop("The model takes inputs of %(wanted)s, this data becomes %(found)s with its recipe.")
NO_COLUMN = gettext_noop("The model looks at column '%(name)s', and this data has none of that name and type.")


@dataclass(frozen=True)
class Likeness:
    """What the model was shown, of the manifest of its own prepared data."""

    version: str
    """the directory of the version that it learned from: steps for tables learn from its train split"""
    hash: str
    """of that prepared data"""
    shape: list[int]
    """of one input"""
    classes: list[str] = field(default_factory=list)
    multi: bool = False
    columns: list[dict[str, Any]] = field(default_factory=list)
    """of a table, as the version's head has them"""
    learned: dict[str, Any] = field(default_factory=dict)
    """entries of the manifest that came from its train split: on_device, target_scale"""

    def head(self, head: dict[str, Any]) -> dict[str, Any]:
        """`head` of the other version as the model would name things. Raises Refused when a column is not there."""
        known = {"classes": self.classes} if self.names_all(head) else {}
        return head | known | ({"columns": self._columns(head["columns"])} if self.columns else {})

    def names_all(self, head: dict[str, Any]) -> bool:
        """Whether the model knows every class of the other data, by its name."""
        return bool(self.classes) and set(head["classes"]) <= set(self.classes)

    def must_fit(self, shape: Iterable[int]) -> None:
        """Raises Refused when an input of this shape is none that the model takes."""
        if list(shape) != list(self.shape):
            raise Refused(OTHER_INPUT, wanted="×".join(map(str, self.shape)), found="×".join(map(str, shape)))

    def _columns(self, theirs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The model's columns, each with how many values are missing in the other data."""
        found = {(column["name"], column["type"]): column for column in theirs}
        for column in self.columns:
            if (column["name"], column["type"]) not in found:
                raise Refused(NO_COLUMN, name=column["name"])
        return [
            column | {"missing": found[column["name"], column["type"]].get("missing", 0)} for column in self.columns
        ]


class AlikeIndex(Index):
    """The items of another version with the model's numbers for classes, and values in the order of its columns."""

    def __init__(self, directory: Path, head: dict[str, Any], like: Likeness):
        super().__init__(directory)
        self._numbers = [like.classes.index(name) for name in head["classes"]] if like.names_all(head) else []
        self._several = bool(self._numbers) and like.multi and self.target_keys == {"label"}
        names = [column["name"] for column in head.get("columns", [])]
        self._places = [names.index(column["name"]) for column in like.columns] if like.columns else []
        if self._several:
            self.target_keys = {"labels"}

    def item(self, number: int) -> Item:
        item = super().item(number)
        values = [item.data["values"][place] for place in self._places]
        data = item.data | {"values": values} if self._places else item.data
        return replace(item, data=data, target=self._target(item.target))

    def _target(self, target: dict[str, Any]) -> dict[str, Any]:
        if not self._numbers:
            return target
        if "boxes" in target:
            return target | {"boxes": [[*box[:4], self._numbers[int(box[4])]] for box in target["boxes"]]}
        numbers = [self._numbers[old] for old in target.get("labels", [target["label"]] if "label" in target else [])]
        return {"labels": numbers} if self._several or "labels" in target else {"label": numbers[0]}


def fitted(recipe: Recipe, shapes: set[Shape], wanted: list[int]) -> Recipe:
    """`recipe` with what it lacks to make pictures of these shapes the model's: grey or coloured first, size last."""
    steps, target = list(recipe.steps), Shape(*wanted)
    if any(recipe.shape_of(shape).channels != target.channels for shape in shapes) and target.channels in (1, 3):
        steps.insert(1, Grayscale() if target.channels == 1 else Rgb())
    if any(Recipe(tuple(steps)).shape_of(shape) != target for shape in shapes):
        before = [place for place, step in enumerate(steps) if isinstance(step, DeviceStep)]
        at = before[0] if before else 1 + max(place for place, step in enumerate(steps) if _is_seen(step, place))
        steps.insert(at, Resize(size=(target.height, target.width)))
    return Recipe(tuple(steps))


def _is_seen(step: Any, place: int) -> bool:
    """Whether it works on pixels before devices do; the first one decodes them."""
    return place == 0 or isinstance(step, ImageStep)
