"""What every step of a recipe has: a name, checked parameters, and a sentence that says what it does."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from PIL import Image

from contract.problems import Problem, unknown


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

    def to_json(self) -> dict[str, Any]:
        """The step with every parameter written out."""
        return {"step": self.name, **{name: _plain(value) for name, value in vars(self).items()}}

    def words(self) -> tuple[str, dict[str, Any]]:
        """A sentence for people, and what to fill in."""
        return self.sentence, vars(self)


class ImageStep(Step):
    """A step that changes pixels, once, when data is prepared."""

    def apply(self, image: Image.Image) -> Image.Image:
        """`image` has mode L or RGB, and so has the answer."""
        raise NotImplementedError

    def shape_after(self, shape: Shape) -> Shape:
        """The shape that `apply` gives to an image of `shape`."""
        raise NotImplementedError


class DeviceStep(Step):
    """A step that the device applies to each batch, so that prepared data stays small."""

    def on_device(self, statistics: "Statistics") -> dict[str, Any]:
        """The entry of the manifest. `statistics` are those of the train split before this step."""
        raise NotImplementedError

    def statistics_after(self, statistics: "Statistics") -> "Statistics":
        return statistics


class Statistics(NamedTuple):
    """Mean and standard deviation of each channel over the train split, never over other splits."""

    mean: list[float]
    std: list[float]


def _frozen(value: Any) -> Any:
    """Lists as tuples, and 1.0 as 1: what means the same is written the same, and so has the same hash."""
    if isinstance(value, list):
        return tuple(_frozen(part) for part in value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def is_number(value: Any) -> bool:
    """A finite number that is not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def is_list_of(kind, value: Any, length: int | None = None) -> bool:
    """A list (of `length` parts) each of which `kind` says yes to."""
    return isinstance(value, list | tuple) and length in (None, len(value)) and all(kind(item) for item in value)
