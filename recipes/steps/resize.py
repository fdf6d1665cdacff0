"""Resize: one height and width for every picture."""

from dataclasses import dataclass
from typing import Any, ClassVar

from PIL import Image, ImageOps

from contract.problems import gettext_noop
from recipes.steps.base import ImageStep, Shape, is_list_of

LARGEST = 1024
MODES = {
    "stretch": gettext_noop("Resize to %(height)s × %(width)s (height × width), stretched to fit."),
    "pad": gettext_noop("Resize to %(height)s × %(width)s (height × width), proportions kept, edges filled black."),
    "crop": gettext_noop("Resize to %(height)s × %(width)s (height × width), proportions kept, overhang cut off."),
}


@dataclass(frozen=True)
class Resize(ImageStep):
    """Bilinear with antialiasing (Pillow's 8-bit fixed-point arithmetic: the same bytes on every machine)."""

    name: ClassVar[str] = "resize"
    size: tuple[int, int]
    """height, width"""
    mode: str = "stretch"

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "size":
            if is_list_of(lambda part: type(part) is int and 1 <= part <= LARGEST, value, 2):
                return ""
            return gettext_noop("Expected [height, width], each from 1 to 1024.")
        return "" if value in list(MODES) else gettext_noop("Expected 'stretch', 'pad' or 'crop'.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return MODES[self.mode], {"height": self.size[0], "width": self.size[1]}

    def apply(self, image: Image.Image) -> Image.Image:
        size = (self.size[1], self.size[0])
        if image.size == size:
            return image
        if self.mode == "pad":
            return ImageOps.pad(image, size, Image.Resampling.BILINEAR, color=0)
        if self.mode == "crop":
            return ImageOps.fit(image, size, Image.Resampling.BILINEAR)
        return image.resize(size, Image.Resampling.BILINEAR)

    def shape_after(self, shape: Shape) -> Shape:
        return Shape(shape.channels, *self.size)
