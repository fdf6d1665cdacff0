"""Remove metadata: nothing of a picture is kept but its pixels. Always done; the step only says so."""

from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from contract.problems import gettext_noop
from recipes.steps.base import ImageStep


@dataclass(frozen=True)
class RemoveMetadata(ImageStep):
    """Prepared data holds pixels alone, so every report on pictures lists this step, named in a recipe or not."""

    name: ClassVar[str] = "remove-metadata"
    about: ClassVar[str] = gettext_noop("Leave out everything of a file but its pixels. This happens in any case.")
    once: ClassVar[bool] = True
    sentence: ClassVar[str] = gettext_noop("Leave out EXIF, XMP, ICC profiles, comments and thumbnails.")
    protects: ClassVar[str] = gettext_noop(
        "Place, time and camera of the picture, and the preview of what was cut off."
    )
    does_not_protect: ClassVar[str] = gettext_noop("What the picture shows.")

    def apply(self, image: Image.Image) -> Image.Image:
        return image
