"""Tokenise: words as numbers, every text in a row of the same length."""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import TEXT, Step, is_whole

SHORTEST, LONGEST = 4, 8192
BY_BYTES = gettext_noop("Turn each text into at most %(length)s bytes, one number a byte.")
BY_MODEL = gettext_noop("Turn each text into at most %(length)s tokens of the model %(model)s.")


@dataclass(frozen=True)
class Tokenise(Step):
    """A text that is longer loses its end, unless a 'truncate' step says otherwise."""

    name: ClassVar[str] = "tokenise"
    about: ClassVar[str] = gettext_noop("Turn text into numbers, with the tokenizer of a model or by its bytes.")
    kinds: ClassVar[tuple[str, ...]] = (TEXT,)
    once: ClassVar[bool] = True
    model: str = ""
    """slug of a registered model; empty = bytes"""
    max_length: int = 64
    """tokens of a row, those that begin and end a text included"""

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "model":
            if isinstance(value, str) and len(value) <= 120:
                return ""
            return gettext_noop("Expected the name of a registered model, or nothing for bytes.")
        return "" if is_whole(value, SHORTEST, LONGEST) else gettext_noop("Expected a whole number from 4 to 8192.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return (BY_MODEL if self.model else BY_BYTES), {"length": self.max_length, "model": self.model}
