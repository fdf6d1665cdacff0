"""Augmentation: batches of the train split are changed another way each time, by the trainer, on the device.

Nothing of this is in prepared data: a manifest only lists it under `on_train`. `training/augmentation.py` does it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import TrainStep, is_number

WRONG_PART = gettext_noop("Expected a number from 0 to 1.")
DIRECTIONS = {
    "horizontal": gettext_noop("While training mirror pictures left to right, each with probability %(probability)s."),
    "vertical": gettext_noop("While training turn pictures upside down, each with probability %(probability)s."),
}


def _part(value: Any) -> str:
    return "" if is_number(value) and 0 <= value <= 1 else WRONG_PART


@dataclass(frozen=True)
class Flip(TrainStep):
    name: ClassVar[str] = "flip"
    about: ClassVar[str] = gettext_noop("Mirror pictures at random while training. Boxes follow.")
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"direction": tuple(DIRECTIONS)}
    direction: str = "horizontal"
    probability: float = 0.5

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "probability":
            return _part(value)
        return "" if value in list(DIRECTIONS) else gettext_noop("Expected 'horizontal' or 'vertical'.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return DIRECTIONS[self.direction], vars(self)


@dataclass(frozen=True)
class Crop(TrainStep):
    name: ClassVar[str] = "crop"
    about: ClassVar[str] = gettext_noop("Show random parts of pictures while training. Boxes follow.")
    sentence: ClassVar[str] = gettext_noop(
        "While training show a part of each picture: at least %(least)s of each side, at a random place."
    )
    least: float = 0.8

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return "" if is_number(value) and 0.1 <= value <= 1 else gettext_noop("Expected a number from 0.1 to 1.")


@dataclass(frozen=True)
class Rotate(TrainStep):
    name: ClassVar[str] = "rotate"
    about: ClassVar[str] = gettext_noop("Turn pictures a little, at random, while training. Boxes follow.")
    sentence: ClassVar[str] = gettext_noop(
        "While training turn each picture by at most %(degrees)s degrees; corners are filled black."
    )
    degrees: float = 10

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return "" if is_number(value) and 0 <= value <= 45 else gettext_noop("Expected a number from 0 to 45.")


@dataclass(frozen=True)
class ColourJitter(TrainStep):
    name: ClassVar[str] = "colour-jitter"
    about: ClassVar[str] = gettext_noop("Vary brightness, contrast and saturation at random while training.")
    sentence: ClassVar[str] = gettext_noop(
        "While training change brightness by up to ±%(brightness)s, contrast ±%(contrast)s, saturation ±%(saturation)s."
    )
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return _part(value)


@dataclass(frozen=True)
class Mixup(TrainStep):
    """Zhang et al. 2018, arXiv 1710.09412, with a label drawn by the weights instead of two weighted losses.

    The expected loss is the same, and every task's loss and counts stay what they are.
    """

    name: ClassVar[str] = "mixup"
    about: ClassVar[str] = gettext_noop("Mix pictures of a batch two by two while training.")
    sentence: ClassVar[str] = gettext_noop(
        "While training blend each picture with another one; its label is one of the two by weight (α = %(alpha)s)."
    )
    alpha: float = 0.2

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return "" if is_number(value) and 0 < value <= 10 else gettext_noop("Expected a number above 0, at most 10.")
