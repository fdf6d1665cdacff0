"""RGB: three channels for every picture, grey ones too."""

from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from contract.problems import gettext_noop
from recipes.steps.base import ImageStep, Shape


@dataclass(frozen=True)
class Rgb(ImageStep):
    name: ClassVar[str] = "rgb"
    about: ClassVar[str] = gettext_noop("Make every picture coloured: three channels.")
    sentence: ClassVar[str] = gettext_noop("Give every picture red, green and blue (3 channels).")

    def apply(self, image: Image.Image) -> Image.Image:
        return image.convert("RGB")

    def shape_after(self, shape: Shape) -> Shape:
        return shape._replace(channels=3)
