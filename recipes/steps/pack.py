"""Pack: several short texts in one row, so that less of it is padding."""

from dataclasses import dataclass
from typing import ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import TEXT, Step


@dataclass(frozen=True)
class Pack(Step):
    """Texts of one split, in their order; a text goes into the open row, or opens the next one.

    For causal language models only. Column `segment` tells which text of its row a token belongs to.
    """

    name: ClassVar[str] = "pack"
    about: ClassVar[str] = gettext_noop("Put several short texts into one row, so that no place in it is wasted.")
    kinds: ClassVar[tuple[str, ...]] = (TEXT,)
    once: ClassVar[bool] = True
    sentence: ClassVar[str] = gettext_noop("Put several short texts into one row; none can see another.")
