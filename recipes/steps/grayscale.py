"""Grayscale: one channel of brightness."""

from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from contract.problems import gettext_noop
from recipes.steps.base import ImageStep, Shape


@dataclass(frozen=True)
class Grayscale(ImageStep):
    """Brightness by ITU-R BT.601: 0.299 red + 0.587 green + 0.114 blue."""

    name: ClassVar[str] = "grayscale"
    about: ClassVar[str] = gettext_noop("Make every picture grey: one channel.")
    sentence: ClassVar[str] = gettext_noop("Turn into shades of grey (1 channel).")

    def apply(self, image: Image.Image) -> Image.Image:
        return image.convert("L")

    def shape_after(self, shape: Shape) -> Shape:
        return shape._replace(channels=1)
