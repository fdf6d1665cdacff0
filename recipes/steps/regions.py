"""Fill, blur, pixelate: parts of pictures that nobody should see. The parts are given, or are boxes of the data."""

from dataclasses import dataclass
from typing import Any, ClassVar

from PIL import Image, ImageFilter

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.picture import Picture
from recipes.steps.base import ImageStep, is_list_of, is_name, is_number, is_whole

Area = tuple[int, int, int, int]
"""left, top, right, bottom in pixels"""
WRONG_REGIONS = gettext_noop(
    "Expected a list of [left, top, width, height], each as a part of the picture from 0 to 1."
)
MOST_REGIONS = 100
STILL_THERE = gettext_noop(
    "Whoever trains a model for it: blurred and pixelated content can be recognised. Regions that nobody marked."
)


@dataclass(frozen=True)
class RegionStep(ImageStep):
    """Works on `regions` (parts of the picture) and on the boxes of the classes in `boxes` ("*" = all)."""

    regions_only: ClassVar[str]
    boxes_only: ClassVar[str]
    """as `sentence`, where the other ones are not meant"""
    regions: tuple[tuple[float, float, float, float], ...] = ()
    boxes: tuple[str, ...] = ()

    @classmethod
    def check(cls, parameters: dict[str, Any], path: str) -> list[Problem]:
        problems = super().check(parameters, path)
        if not problems and not parameters.get("regions") and not parameters.get("boxes"):
            sentence = gettext_noop('Name regions of the picture, or classes whose boxes are meant ("*" = all).')
            problems = [Problem(f"{path}.regions", sentence)]
        return problems

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "boxes":
            return "" if is_list_of(is_name, value) else gettext_noop('Expected a list of classes, or ["*"] for all.')
        return "" if is_list_of(_is_region, value) and len(value) <= MOST_REGIONS else WRONG_REGIONS

    def words(self) -> tuple[str, dict[str, Any]]:
        named = {"count": len(self.regions), "classes": ", ".join(self.boxes)}
        only = self.regions_only if self.regions else self.boxes_only
        return self.sentence if self.regions and self.boxes else only, vars(self) | named

    def change(self, picture: Picture, context: Context) -> Picture:
        image = picture.image.copy()
        areas = [*self._given(image), *self._boxed(picture, context)]
        for area in areas:
            self.hide(image, area)
        context.count("regions", len(areas))
        return Picture(image, picture.boxes)

    def hide(self, image: Image.Image, area: Area) -> None:
        """Change `image` in place inside of `area`, which is not empty."""
        raise NotImplementedError

    def _given(self, image: Image.Image) -> list[Area]:
        width, height = image.size
        return _inside(
            [(x * width, y * height, (x + w) * width, (y + h) * height) for x, y, w, h in self.regions], image
        )

    def _boxed(self, picture: Picture, context: Context) -> list[Area]:
        rows = [
            (left, top, right, bottom)
            for left, top, right, bottom, label in picture.boxes.tolist()
            if "*" in self.boxes or (self.boxes and context.classes[int(label)] in self.boxes)
        ]
        return _inside(rows, picture.image)


@dataclass(frozen=True)
class FillRegion(RegionStep):
    name: ClassVar[str] = "fill-region"
    about: ClassVar[str] = gettext_noop("Cover parts of every picture, or labelled boxes, with one colour.")
    sentence: ClassVar[str] = gettext_noop(
        "Fill the given regions (%(count)s) and the boxes (of: %(classes)s) with one colour."
    )
    regions_only: ClassVar[str] = gettext_noop("Fill the given regions (%(count)s) with one colour.")
    boxes_only: ClassVar[str] = gettext_noop("Fill the boxes (of: %(classes)s) with one colour.")
    protects: ClassVar[str] = gettext_noop("What was in these regions: nothing of it is left.")
    does_not_protect: ClassVar[str] = gettext_noop(
        "Regions that nobody marked, and what the rest of the picture tells."
    )
    colour: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name != "colour":
            return super().check_value(name, value)
        if is_list_of(lambda part: is_whole(part, 0, 255), value, 3):
            return ""
        return gettext_noop("Expected red, green and blue, each from 0 to 255.")

    def hide(self, image: Image.Image, area: Area) -> None:
        grey = round(sum(self.colour) / 3)
        image.paste(grey if image.mode == "L" else self.colour, area)


@dataclass(frozen=True)
class Blur(RegionStep):
    name: ClassVar[str] = "blur"
    about: ClassVar[str] = gettext_noop("Blur parts of every picture, or labelled boxes.")
    sentence: ClassVar[str] = gettext_noop(
        "Blur the given regions (%(count)s) and the boxes (of: %(classes)s); radius: %(radius)s pixels."
    )
    regions_only: ClassVar[str] = gettext_noop("Blur the given regions (%(count)s); radius: %(radius)s pixels.")
    boxes_only: ClassVar[str] = gettext_noop("Blur the boxes (of: %(classes)s); radius: %(radius)s pixels.")
    protects: ClassVar[str] = gettext_noop("Content of these regions from a passing look. Prefer 'fill-region'.")
    does_not_protect: ClassVar[str] = STILL_THERE
    radius: int = 12
    """pixels of the picture as it came"""

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name != "radius":
            return super().check_value(name, value)
        return "" if is_whole(value, 1, 200) else gettext_noop("Expected a whole number from 1 to 200.")

    def hide(self, image: Image.Image, area: Area) -> None:
        image.paste(image.crop(area).filter(ImageFilter.BoxBlur(self.radius)), area)


@dataclass(frozen=True)
class Pixelate(RegionStep):
    name: ClassVar[str] = "pixelate"
    about: ClassVar[str] = gettext_noop("Make parts of every picture, or labelled boxes, coarse.")
    sentence: ClassVar[str] = gettext_noop(
        "Turn the given regions (%(count)s) and the boxes (of: %(classes)s) into blocks of %(block)s pixels."
    )
    regions_only: ClassVar[str] = gettext_noop("Turn the given regions (%(count)s) into blocks of %(block)s pixels.")
    boxes_only: ClassVar[str] = gettext_noop("Turn the boxes (of: %(classes)s) into blocks of %(block)s pixels.")
    protects: ClassVar[str] = gettext_noop("Content of these regions from a passing look. Prefer 'fill-region'.")
    does_not_protect: ClassVar[str] = STILL_THERE
    block: int = 16
    """pixels of the picture as it came"""

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name != "block":
            return super().check_value(name, value)
        return "" if is_whole(value, 2, 500) else gettext_noop("Expected a whole number from 2 to 500.")

    def hide(self, image: Image.Image, area: Area) -> None:
        part = image.crop(area)
        small = max(part.width // self.block, 1), max(part.height // self.block, 1)
        image.paste(part.resize(small, Image.Resampling.BOX).resize(part.size, Image.Resampling.NEAREST), area)


def _is_region(value: Any) -> bool:
    if not is_list_of(is_number, value, 4):
        return False
    left, top, width, height = value
    return 0 <= left < 1 and 0 <= top < 1 and 0 < width <= 1 and 0 < height <= 1


def _inside(areas: list[tuple[float, float, float, float]], image: Image.Image) -> list[Area]:
    """Whole pixels, outwards, so that no edge of what is to be hidden shows; empty ones left out."""
    whole = [
        (
            max(int(left), 0),
            max(int(top), 0),
            min(-int(-right // 1), image.width),
            min(-int(-bottom // 1), image.height),
        )
        for left, top, right, bottom in areas
    ]
    return [area for area in whole if area[0] < area[2] and area[1] < area[3]]
