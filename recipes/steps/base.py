"""What every step of a recipe has: a name, checked parameters, and a sentence that says what it does.

A step belongs to kinds of data, and to the moment when it works: on the order of items (`OrderStep`), on pixels
(`ImageStep`), on words (`TextStep`), on columns (`table.TableStep`), on the target (`TargetStep`), on a batch on the
device (`DeviceStep`), or on training batches only (`TrainStep`).
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, get_args, get_type_hints

from PIL import Image

from contract.problems import Problem, unknown
from recipes.context import Context
from recipes.picture import Picture

if TYPE_CHECKING:
    from recipes.index import Index

IMAGE, TEXT, TABLE = KINDS = ("image", "text", "table")


class Shape(NamedTuple):
    """Of one image: channels, height, width."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Step:
    """One step. Subclasses are dataclasses whose fields are the parameters, each with a default where one makes sense.

    `check_value` looks at one parameter; `words` describes the step with its exact settings.
    """

    name: ClassVar[str]
    sentence: ClassVar[str]
    """with the parameters of `words` as named placeholders"""
    about: ClassVar[str] = ""
    """what it is for, for people who choose among steps"""
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    """parameters that are one of a few words"""
    kinds: ClassVar[tuple[str, ...]] = (IMAGE,)
    """of data that it can be used on"""
    once: ClassVar[bool] = False
    """whether a recipe can have it once only"""
    protects: ClassVar[str] = ""
    """of a step that hides something: what, as a sentence"""
    does_not_protect: ClassVar[str] = ""
    private: ClassVar[tuple[str, ...]] = ()
    """parameters that stay on the server: prepared data name only how many there were"""

    @classmethod
    def check(cls, parameters: dict[str, Any], path: str) -> list[Problem]:
        """Every problem of `parameters`, each under `path.<parameter>`."""
        fields = {item.name: item for item in dataclasses.fields(cls)}
        problems = []
        for name, value in parameters.items():
            if name not in fields:
                problems.append(unknown(f"{path}.{name}", name, {*fields, "step"}))
            elif sentence := cls.check_value(name, value):
                problems.append(Problem(f"{path}.{name}", sentence))
        for name, item in fields.items():
            if name not in parameters and item.default is item.default_factory is dataclasses.MISSING:
                problems.append(Problem(f"{path}.{name}", cls.check_value(name, None)))
        return problems

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        """What is wrong with `value`, as a sentence; "" when nothing is."""
        return ""

    @classmethod
    def from_json(cls, parameters: dict[str, Any]) -> Self:
        """The step with these parameters, already checked."""
        return cls(**{name: _frozen(value) for name, value in parameters.items()})

    @classmethod
    def parameters(cls) -> dict[str, Any]:
        """Each parameter with its default; None for one that has to be given."""
        given = {item.name: item.default for item in dataclasses.fields(cls)}
        return {name: None if value is dataclasses.MISSING else _plain(value) for name, value in given.items()}

    @classmethod
    def parameter_kinds(cls) -> dict[str, str]:
        """How each parameter is written: choice, word, whole, number, words, numbers, or json for what is nested."""
        hints = get_type_hints(cls)
        kinds = {item.name: _kind(hints[item.name]) for item in dataclasses.fields(cls)}
        return kinds | dict.fromkeys(cls.choices, "choice")

    def to_json(self) -> dict[str, Any]:
        """The step with every parameter written out."""
        return {"step": self.name, **{name: _plain(value) for name, value in vars(self).items()}}

    def to_manifest(self) -> dict[str, Any]:
        """As `to_json`, without what must not leave the server."""
        return self.to_json() | {name: {"count": len(getattr(self, name))} for name in self.private}

    @property
    def keyed(self) -> bool:
        """Whether it needs the project's key, so that it works on the server only."""
        return False

    def words(self) -> tuple[str, dict[str, Any]]:
        """A sentence for people, and what to fill in."""
        return self.sentence, vars(self)

    def account(self, counts: dict[str, int], classes: list[str]) -> dict[str, Any]:
        """What reports tell of what this step did, from what it counted."""
        return counts

    @classmethod
    def caution(cls, report: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """What somebody who relies on this step should know after `report`, with what to fill in; "" for nothing."""
        return "", {}


class OrderStep(Step):
    """A step that puts items in another order, repeats some or leaves some out."""

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def order(self, numbers: Sequence[int], index: "Index") -> Sequence[int]:
        """`numbers` of items in the version, and what they become."""
        raise NotImplementedError


class TargetStep(Step):
    """A step that changes what is to be learned of an item."""

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def change(self, target: dict[str, Any], split: str, classes: int, context: Context) -> dict[str, Any]:
        raise NotImplementedError


class ImageStep(Step):
    """A step that changes pixels, once, when data is prepared."""

    def change(self, picture: Picture, context: Context) -> Picture:
        """Pixels and boxes after this step."""
        image = picture.image
        shape = Shape(len(image.getbands()), image.height, image.width)
        return Picture(self.apply(image), self.boxes_after(picture.boxes, shape))

    def apply(self, image: Image.Image) -> Image.Image:
        """`image` has mode L or RGB, and so has the answer."""
        raise NotImplementedError

    def boxes_after(self, boxes, shape: Shape):
        """Where `boxes` (corners) of a picture of `shape` are after `apply`; they may reach out of it."""
        return boxes

    def shape_after(self, shape: Shape) -> Shape:
        """The shape that `apply` gives to an image of `shape`."""
        return shape


class TextStep(Step):
    """A step that changes words, before they become tokens."""

    kinds: ClassVar[tuple[str, ...]] = (TEXT,)

    def rewrite(self, text: str, context: Context) -> str:
        raise NotImplementedError


class DeviceStep(Step):
    """A step that the device applies to each batch, so that prepared data stays small."""

    once: ClassVar[bool] = True

    def on_device(self, statistics: "Statistics") -> dict[str, Any]:
        """The entry of the manifest. `statistics` are those of the train split before this step."""
        raise NotImplementedError

    def statistics_after(self, statistics: "Statistics") -> "Statistics":
        return statistics


class TrainStep(Step):
    """A step that the trainer applies to batches of the train split, another way each time."""

    once: ClassVar[bool] = True


class Statistics(NamedTuple):
    """Mean and standard deviation of each channel over the train split, never over other splits."""

    mean: list[float]
    std: list[float]


def _kind(hint: Any) -> str:
    parts = get_args(hint)
    if not parts:
        return {int: "whole", float: "number"}.get(hint, "word")
    return {int: "numbers", float: "numbers", str: "words"}.get(parts[0], "json")


def _frozen(value: Any) -> Any:
    """Lists as tuples, and 1.0 as 1: what means the same is written the same, and so has the same hash."""
    if isinstance(value, list):
        return tuple(_frozen(part) for part in value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def is_number(value: Any) -> bool:
    """A finite number that is not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def is_whole(value: Any, least: int, most: int) -> bool:
    """A whole number from `least` to `most`."""
    return type(value) is int and least <= value <= most


def is_list_of(kind, value: Any, length: int | None = None) -> bool:
    """A list (of `length` parts) each of which `kind` says yes to."""
    return isinstance(value, list | tuple) and length in (None, len(value)) and all(kind(item) for item in value)


def is_name(value: Any) -> bool:
    """A text of 1 to 200 characters."""
    return isinstance(value, str) and 0 < len(value) <= 200
