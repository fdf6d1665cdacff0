"""Truncate: which part of a text stays when it is too long."""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import TEXT, Step

KEEP = {
    "start": gettext_noop("Of a text that is too long keep the start."),
    "end": gettext_noop("Of a text that is too long keep the end."),
    "both": gettext_noop("Of a text that is too long keep the start and the end, half and half."),
}


@dataclass(frozen=True)
class Truncate(Step):
    name: ClassVar[str] = "truncate"
    about: ClassVar[str] = gettext_noop("Choose which end of a text that is too long is cut off.")
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"keep": tuple(KEEP)}
    kinds: ClassVar[tuple[str, ...]] = (TEXT,)
    once: ClassVar[bool] = True
    keep: str = "start"

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return "" if value in list(KEEP) else gettext_noop("Expected 'start', 'end' or 'both'.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return KEEP[self.keep], {}

    def cut(self, tokens: list, length: int) -> list:
        """At most `length` of `tokens`."""
        if len(tokens) <= length:
            return tokens
        last = {"start": 0, "end": length, "both": length // 2}[self.keep]
        return tokens[: length - last] + tokens[len(tokens) - last :]
