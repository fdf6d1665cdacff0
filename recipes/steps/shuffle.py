"""Shuffle: another order of the items of every split, the same for the same seed."""

import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import OrderStep, is_whole

WRONG_SEED = gettext_noop("Expected a whole number from 0 to 4294967295.")


@dataclass(frozen=True)
class Shuffle(OrderStep):
    """Hides the order, and with it the time, in which data was collected."""

    name: ClassVar[str] = "shuffle"
    about: ClassVar[str] = gettext_noop(
        "Put items in another order, so that their order says nothing of when they were collected."
    )
    sentence: ClassVar[str] = gettext_noop("Put the items of each split in another order (seed %(seed)s).")
    protects: ClassVar[str] = gettext_noop("The order, and with it the time, in which data was collected.")
    does_not_protect: ClassVar[str] = gettext_noop("The content of the items.")
    seed: int = 0

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return "" if is_whole(value, 0, 2**32 - 1) else WRONG_SEED

    def order(self, numbers: Sequence[int], index) -> Sequence[int]:
        shuffled = array("q", numbers)
        random.Random(self.seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret
        return shuffled
