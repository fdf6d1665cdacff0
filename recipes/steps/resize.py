"""Resize: one height and width for every picture."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from PIL import Image, ImageOps

from contract.problems import gettext_noop
from recipes.picture import moved
from recipes.steps.base import ImageStep, Shape, is_list_of, is_whole

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
    about: ClassVar[str] = gettext_noop("Give every picture the same height and width. Boxes follow.")
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"mode": tuple(MODES)}
    size: tuple[int, int]
    """height, width"""
    mode: str = "stretch"

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "size":
            if is_list_of(lambda part: is_whole(part, 1, LARGEST), value, 2):
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

    def boxes_after(self, boxes: np.ndarray, shape: Shape) -> np.ndarray:
        height, width = self.size
        if self.mode == "stretch":
            return moved(boxes, (width / shape.width, height / shape.height), (0, 0))
        if self.mode == "crop":
            return self._cropped(boxes, shape)
        inner = self._inside(shape)
        offset = round((width - inner[0]) * 0.5), round((height - inner[1]) * 0.5)
        return moved(boxes, (inner[0] / shape.width, inner[1] / shape.height), offset)

    def _inside(self, shape: Shape) -> tuple[int, int]:
        """Width and height of the picture between its edges, rounded as ImageOps.pad does."""
        height, width = self.size
        if shape.width / shape.height > width / height:
            return width, round(shape.height / shape.width * width)
        return round(shape.width / shape.height * height), height

    def _cropped(self, boxes: np.ndarray, shape: Shape) -> np.ndarray:
        """As ImageOps.fit cuts: from the middle, the largest part of the wanted proportions."""
        height, width = self.size
        inner_width = min(shape.width, shape.height * width / height)
        inner_height = min(shape.height, shape.width * height / width)
        factors = width / inner_width, height / inner_height
        left, top = (shape.width - inner_width) * 0.5, (shape.height - inner_height) * 0.5
        return moved(boxes, factors, (-left * factors[0], -top * factors[1]))

    def shape_after(self, shape: Shape) -> Shape:
        return Shape(shape.channels, *self.size)
