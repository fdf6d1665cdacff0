"""Shuffle: another order of the items of every split, the same for the same seed."""

import random
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from contract.problems import gettext_noop
from recipes.steps.base import Step

T = TypeVar("T")


@dataclass(frozen=True)
class Shuffle(Step):
    """Hides the order, and with it the time, in which data was collected."""

    name: ClassVar[str] = "shuffle"
    sentence: ClassVar[str] = gettext_noop("Put the items of each split in another order (seed %(seed)s).")
    seed: int = 0

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if type(value) is int and 0 <= value < 2**32:
            return ""
        return gettext_noop("Expected a whole number from 0 to 4294967295.")

    def order(self, items: list[T]) -> list[T]:
        """The same items, reordered."""
        shuffled = list(items)
        random.Random(self.seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret
        return shuffled
