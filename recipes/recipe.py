"""A recipe: an ordered list of steps, read from JSON, checked, and addressed by its hash."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from PIL import Image

from contract.problems import Invalid, Problem, gettext_noop, unknown
from recipes.context import Context
from recipes.index import Index
from recipes.picture import Picture, no_boxes
from recipes.steps import (
    STEPS,
    Balance,
    Decode,
    DeviceStep,
    Grayscale,
    ImageStep,
    Normalise,
    OrderStep,
    RandomiseLabels,
    Resize,
    Rgb,
    Shape,
    Statistics,
    Step,
    TargetStep,
    TrainStep,
)
from recipes.steps.base import IMAGE

MOST_STEPS = 32
S = TypeVar("S", bound=Step)


@dataclass(frozen=True)
class Recipe:
    """Steps with every parameter filled in; of one for pictures the first is `decode`."""

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, body: Any, path: str = "recipe", kind: str = "") -> "Recipe":
        """The recipe in `body`, for data of `kind` ("" = what its steps are for).

        Raises `Invalid` with every problem, each under `path.<number>.<parameter>`.
        """
        problems = problems_of(body, path, kind)
        if problems:
            raise Invalid(problems)
        steps = [STEPS[part["step"]].from_json(_parameters(part)) for part in body]
        if (kind or kind_of(body)) == IMAGE and not (steps and isinstance(steps[0], Decode)):
            steps.insert(0, Decode())
        return cls(tuple(steps))

    def to_json(self) -> list[dict[str, Any]]:
        return [step.to_json() for step in self.steps]

    def to_manifest(self) -> dict[str, Any]:
        """What prepared data tells of the recipe that made it: all but what must not leave the server."""
        return {"hash": self.hash, "steps": [step.to_manifest() for step in self.steps]}

    @property
    def hash(self) -> str:
        """Equal for recipes that do the same, also when one of them leaves out defaults."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def keyed(self) -> bool:
        """Whether it needs the project's key."""
        return any(step.keyed for step in self.steps)

    def words(self) -> list[tuple[str, dict[str, Any]]]:
        """Each step as a sentence with what to fill in."""
        return [step.words() for step in self.steps]

    def of(self, kind: type[S]) -> Iterator[tuple[int, S]]:
        """The steps of one class, each with its place in the recipe."""
        return ((place, step) for place, step in enumerate(self.steps) if isinstance(step, kind))

    def read(self, data: bytes) -> Image.Image:
        """The picture in `data` after every step that changes pixels. Raises `images.Unreadable`."""
        return self.apply(Picture(self.decode(data), no_boxes()), Context()).image

    def decode(self, data: bytes) -> Image.Image:
        """Upright pixels (mode L or RGB); of a JPEG that becomes much smaller not all. Raises `images.Unreadable`."""
        decode = self.steps[0]
        assert isinstance(decode, Decode)  # noqa: S101 - parse() puts it there
        return decode.read(data, self._least_side)

    @cached_property
    def _least_side(self) -> int:
        """Twice what the first step that changes sizes makes of a picture, if none before it looks at places; else 0.

        Twice, so that the step's own antialiasing decides how the picture looks.
        """
        for _, step in self.of(ImageStep):
            if isinstance(step, Resize):
                return 2 * max(step.size)
            if not isinstance(step, Grayscale | Rgb):
                return 0
        return 0

    @property
    def wants_statistics(self) -> bool:
        """Whether a step hangs on the colours of the train split."""
        return any(not step.mean for _, step in self.of(Normalise))

    def apply(self, picture: Picture, context: Context) -> Picture:
        """Pixels and boxes after every step that changes them."""
        for place, step in self.of(ImageStep):
            picture = step.change(picture, context.at(place))
        return picture

    def target(self, target: dict[str, Any], split: str, classes: int, context: Context) -> dict[str, Any]:
        """What is to be learned of an item, after every step that changes it."""
        for place, step in self.of(TargetStep):
            target = step.change(target, split, classes, context.at(place))
        return target

    def shape_of(self, shape: Shape) -> Shape:
        """What a picture of `shape` becomes."""
        for _, step in self.of(ImageStep):
            shape = step.shape_after(shape)
        return shape

    def order(self, index: Index) -> Sequence[int]:
        """Numbers of items in the order, and as often, as they are to be written."""
        numbers: Sequence[int] = range(len(index))
        for _, step in self.of(OrderStep):
            numbers = step.order(numbers, index)
        return numbers

    def on_device(self, statistics: Statistics) -> list[dict[str, Any]]:
        """The entries of the manifest that devices apply to each batch, in order."""
        entries = []
        for _, step in self.of(DeviceStep):
            entries.append(step.on_device(statistics))
            statistics = step.statistics_after(statistics)
        return entries

    def on_train(self) -> list[dict[str, Any]]:
        """The entries of the manifest that the trainer applies to batches of the train split, in order."""
        return [step.to_json() for _, step in self.of(TrainStep)]


def kind_of(body: list[dict[str, Any]]) -> str:
    """The kind of data that these steps are for; image when they would do for several."""
    named = (STEPS[part["step"]].kinds for part in body)
    return next((kinds[0] for kinds in named if len(kinds) == 1), IMAGE)


def problems_of(body: Any, path: str = "recipe", kind: str = "") -> list[Problem]:
    """Everything that is wrong with `body` as a recipe for data of `kind` ("" = what its steps are for)."""
    problems = _list_problems(body, path) or [
        problem
        for number, part in enumerate(body)
        for problem in _name_problems(part, f"{path}.{number}")
        or STEPS[part["step"]].check(_parameters(part), f"{path}.{number}")
    ]
    if problems:
        return problems
    kinds = [STEPS[part["step"]] for part in body]
    return _kind_problems(kinds, path, kind or kind_of(body)) or order_problems(kinds, path)


def names_problems(body: Any, path: str = "recipe") -> list[Problem]:
    """What keeps `body` from being a list of steps that there are, whatever their parameters."""
    return _list_problems(body, path) or [
        problem for number, part in enumerate(body) for problem in _name_problems(part, f"{path}.{number}")
    ]


def _list_problems(body: Any, path: str) -> list[Problem]:
    if not isinstance(body, list):
        return [Problem(path, gettext_noop("Expected a list of steps."))]
    if len(body) > MOST_STEPS:
        return [Problem(path, gettext_noop("At most %(most)s steps."), {"most": MOST_STEPS})]
    return []


def _name_problems(part: Any, where: str) -> list[Problem]:
    if not isinstance(part, dict) or not isinstance(part.get("step"), str):
        return [Problem(where, gettext_noop('Expected a step like {"step": "grayscale"}.'))]
    return [] if part["step"] in STEPS else [unknown(f"{where}.step", part["step"], STEPS)]


def _parameters(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "step"}


def _kind_problems(steps: list[type[Step]], path: str, kind: str) -> list[Problem]:
    sentence = gettext_noop("'%(name)s' works on %(kinds)s data, and this is %(kind)s data.")
    return [
        Problem(f"{path}.{number}.step", sentence, {"name": step.name, "kinds": " / ".join(step.kinds), "kind": kind})
        for number, step in enumerate(steps)
        if kind not in step.kinds
    ]


def order_problems(kinds: list[type[Step]], path: str) -> list[Problem]:
    """What is wrong with the order of these steps, whatever their parameters and the data."""
    problems = []
    for number, kind in enumerate(kinds):
        where = f"{path}.{number}.step"
        if kind is Decode and number:
            problems.append(Problem(where, gettext_noop("'decode' can only be the first step.")))
        if kind.once and kind in kinds[:number]:
            problems.append(Problem(where, gettext_noop("'%(name)s' can be there once."), {"name": kind.name}))
        if issubclass(kind, ImageStep) and any(issubclass(before, DeviceStep) for before in kinds[:number]):
            sentence = gettext_noop("'%(name)s' changes pixels and comes before 'scale' and 'normalise'.")
            problems.append(Problem(where, sentence, {"name": kind.name}))
    if Balance in kinds and RandomiseLabels in kinds:
        sentence = gettext_noop(
            "'balance' would show the classes that 'randomise-labels' hides. Leave one of them out."
        )
        problems.append(Problem(f"{path}.{kinds.index(Balance)}.step", sentence))
    return problems
