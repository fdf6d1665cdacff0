"""Balance: as many training items of each class as of every other."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import OrderStep, is_whole
from recipes.steps.shuffle import WRONG_SEED

if TYPE_CHECKING:
    from recipes.index import Index

TRAIN = 0
METHODS = {
    "oversample": gettext_noop("Repeat training items of rarer classes until all have as many (seed %(seed)s)."),
    "undersample": gettext_noop("Leave out training items of commoner classes until all have as many (seed %(seed)s)."),
}


@dataclass(frozen=True)
class Balance(OrderStep):
    """Other splits stay as they are: they show how often each class really comes."""

    name: ClassVar[str] = "balance"
    about: ClassVar[str] = gettext_noop("Show every class equally often while training.")
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"method": tuple(METHODS)}
    once: ClassVar[bool] = True
    method: str = "oversample"
    seed: int = 0

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "seed":
            return "" if is_whole(value, 0, 2**32 - 1) else WRONG_SEED
        return "" if value in list(METHODS) else gettext_noop("Expected 'oversample' or 'undersample'.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return METHODS[self.method], {"seed": self.seed}

    def order(self, numbers: Sequence[int], index: "Index") -> Sequence[int]:
        by_class = defaultdict(list)
        for number in numbers:
            if index.splits[number] == TRAIN:
                by_class[int(index.labels[number])].append(number)
        times = self._times(by_class) if by_class else {}
        return [copy for number in numbers for copy in [number] * times.get(number, 1)]

    def _times(self, by_class: dict[int, list[int]]) -> dict[int, int]:
        """How often each training item is taken."""
        chance = random.Random(self.seed)  # noqa: S311 - a choice, not a secret
        sizes = [len(members) for members in by_class.values()]
        aim = max(sizes) if self.method == "oversample" else min(sizes)
        times: dict[int, int] = {}
        for label in sorted(by_class):
            members = by_class[label]
            whole, rest = divmod(aim, len(members))
            chosen = set(chance.sample(range(len(members)), rest))
            times |= {number: whole + (place in chosen) for place, number in enumerate(members)}
        return times
