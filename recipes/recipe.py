"""A recipe: an ordered list of steps, read from JSON, checked, and addressed by its hash."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from contract.problems import Invalid, Problem, gettext_noop, unknown
from recipes.steps import STEPS, Decode, DeviceStep, ImageStep, Normalise, Shape, Shuffle, Statistics, Step

MOST_STEPS = 32


@dataclass(frozen=True)
class Recipe:
    """Steps with every parameter filled in; the first one is `decode`."""

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, body: Any, path: str = "recipe") -> "Recipe":
        """The recipe in `body`. Raises `Invalid` with every problem, each under `path.<number>.<parameter>`."""
        problems = problems_of(body, path)
        if problems:
            raise Invalid(problems)
        steps = [STEPS[part["step"]].from_json(_parameters(part)) for part in body]
        if not steps or not isinstance(steps[0], Decode):
            steps.insert(0, Decode())
        return cls(tuple(steps))

    def to_json(self) -> list[dict[str, Any]]:
        return [step.to_json() for step in self.steps]

    @property
    def hash(self) -> str:
        """Equal for recipes that do the same, also when one of them leaves out defaults."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def words(self) -> list[tuple[str, dict[str, Any]]]:
        """Each step as a sentence with what to fill in."""
        return [step.words() for step in self.steps]

    def read(self, data: bytes) -> Image.Image:
        """The picture in `data` after every step that changes pixels. Raises `images.Unreadable`."""
        decode = self.steps[0]
        assert isinstance(decode, Decode)  # noqa: S101 - parse() puts it there
        image = decode.read(data)
        for step in self.steps:
            if isinstance(step, ImageStep):
                image = step.apply(image)
        return image

    def shape_of(self, shape: Shape) -> Shape:
        """What a picture of `shape` becomes."""
        for step in self.steps:
            if isinstance(step, ImageStep):
                shape = step.shape_after(shape)
        return shape

    def order(self, items: list) -> list:
        for step in self.steps:
            if isinstance(step, Shuffle):
                items = step.order(items)
        return items

    def on_device(self, statistics: Statistics) -> list[dict[str, Any]]:
        """The entries of the manifest that devices apply to each batch, in order."""
        entries = []
        for step in self.steps:
            if isinstance(step, DeviceStep):
                entries.append(step.on_device(statistics))
                statistics = step.statistics_after(statistics)
        return entries


def problems_of(body: Any, path: str = "recipe") -> list[Problem]:
    """Everything that is wrong with `body` as a recipe, whatever data it is for."""
    if not isinstance(body, list):
        return [Problem(path, gettext_noop("Expected a list of steps."))]
    if len(body) > MOST_STEPS:
        return [Problem(path, gettext_noop("At most %(most)s steps."), {"most": MOST_STEPS})]
    problems: list[Problem] = []
    for number, part in enumerate(body):
        where = f"{path}.{number}"
        if not isinstance(part, dict) or not isinstance(part.get("step"), str):
            problems.append(Problem(where, gettext_noop('Expected a step like {"step": "grayscale"}.')))
        elif part["step"] not in STEPS:
            problems.append(unknown(f"{where}.step", part["step"], STEPS))
        else:
            problems += STEPS[part["step"]].check(_parameters(part), where)
    return problems or _order_problems([STEPS[part["step"]] for part in body], path)


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
    written = [step for step in recipe.steps if isinstance(step, Normalise) and step.mean]
    return [
        Problem(
            f"{path}.{recipe.steps.index(step)}.mean",
            gettext_noop("The pictures have %(channels)s channels; give as many numbers."),
            {"channels": channels},
        )
        for step in written
        if channels and len(step.mean) != channels
    ]


def _parameters(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "step"}


def _order_problems(kinds: list[type[Step]], path: str) -> list[Problem]:
    problems = []
    for number, kind in enumerate(kinds):
        where = f"{path}.{number}.step"
        if kind is Decode and number:
            problems.append(Problem(where, gettext_noop("'decode' can only be the first step.")))
        if issubclass(kind, DeviceStep) and kind in kinds[:number]:
            problems.append(Problem(where, gettext_noop("'%(name)s' can be there once."), {"name": kind.name}))
        if issubclass(kind, ImageStep) and any(issubclass(before, DeviceStep) for before in kinds[:number]):
            sentence = gettext_noop("'%(name)s' changes pixels and comes before 'scale' and 'normalise'.")
            problems.append(Problem(where, sentence, {"name": kind.name}))
    return problems
