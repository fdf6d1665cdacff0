"""How prepared data is made, kind by kind. A new kind: write its maker, list it here."""

from recipes.builds.image import ImageMaker
from recipes.builds.maker import Maker, Source
from recipes.builds.table import TableMaker
from recipes.builds.text import TextMaker

MAKERS: dict[str, type[Maker]] = {"image": ImageMaker, "text": TextMaker, "table": TableMaker}

__all__ = ["MAKERS", "Maker", "Source"]
