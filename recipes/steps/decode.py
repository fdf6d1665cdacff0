"""Decode: from the bytes of a file to upright 8-bit pixels."""

from dataclasses import dataclass
from typing import Any, ClassVar

from PIL import Image

from contract.problems import gettext_noop
from recipes import images
from recipes.steps.base import Step, is_list_of


@dataclass(frozen=True)
class Decode(Step):
    """Always the first step; it is added where a recipe leaves it out."""

    name: ClassVar[str] = "decode"
    about: ClassVar[str] = gettext_noop("Open the picture: first frame, upright, 8 bits a channel.")
    sentence: ClassVar[str] = gettext_noop(
        "Decode the first frame to 8 bits, upright by its EXIF data; what is see-through becomes %(background)s."
    )
    background: tuple[int, int, int] = (255, 255, 255)
    """red, green, blue shown where a picture is see-through"""

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if is_list_of(lambda part: type(part) is int and 0 <= part <= 255, value, 3):
            return ""
        return gettext_noop("Expected red, green and blue, each from 0 to 255.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return self.sentence, {"background": "#" + bytes(self.background).hex()}

    def read(self, data: bytes, least_side: int = 0) -> Image.Image:
        """The pixels (mode L or RGB), `least_side` as in `images.decode`. Raises `images.Unreadable`."""
        return images.decode(data, self.background, least_side)
