"""Randomise labels: some are wrong on purpose, so that of no single one it is certain that it is right."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import gettext_noop
from recipes.context import Context
from recipes.steps.base import KINDS, TargetStep, is_number

SPLITS = {
    "all": gettext_noop(
        "Keep a label with probability e^ε / (e^ε + classes − 1), else take another (ε = %(epsilon)s)."
    ),
    "train": gettext_noop(
        "In the train split keep a label with probability e^ε / (e^ε + classes − 1), "
        "else take another (ε = %(epsilon)s)."
    ),
}


@dataclass(frozen=True)
class RandomiseLabels(TargetStep):
    """k-ary randomised response (Warner 1965): ε-local differential privacy of each label. From the project's key."""

    name: ClassVar[str] = "randomise-labels"
    about: ClassVar[str] = gettext_noop(
        "Change labels at random, so that none of them can be relied on by whoever sees the data."
    )
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"splits": tuple(SPLITS)}
    kinds: ClassVar[tuple[str, ...]] = KINDS
    once: ClassVar[bool] = True
    sentence: ClassVar[str] = SPLITS["all"]
    protects: ClassVar[str] = gettext_noop("The label of each sample, by ε-local differential privacy.")
    does_not_protect: ClassVar[str] = gettext_noop(
        "The samples themselves. Accuracy drops, and what is measured on randomised labels is too low."
    )
    epsilon: float
    splits: str = "all"

    @property
    def keyed(self) -> bool:
        return True

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "splits":
            return "" if value in list(SPLITS) else gettext_noop("Expected 'all' or 'train'.")
        return "" if is_number(value) and 0 < value <= 50 else gettext_noop("Expected a number above 0, at most 50.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return SPLITS[self.splits], vars(self)

    def keeps(self, classes: int) -> float:
        """The probability that a label stays."""
        return math.exp(self.epsilon) / (math.exp(self.epsilon) + classes - 1)

    def change(self, target: dict[str, Any], split: str, classes: int, context: Context) -> dict[str, Any]:
        if "label" not in target or classes < 2 or (self.splits == "train" and split != "train"):
            return target
        chance, label = context.secret(), target["label"]
        if chance.random() >= self.keeps(classes):
            other = int(chance.integers(classes - 1))
            label = other + (other >= label)
        context.count(f"label {label}")
        return {**target, "label": label}

    def account(self, counts: dict[str, int], classes: list[str]) -> dict[str, Any]:
        """How often each class is there now, and the shares that it probably had before."""
        now = [counts.get(f"label {label}", 0) for label in range(len(classes))]
        total, stays = sum(now) or 1, self.keeps(len(classes))
        other = (1 - stays) / max(len(classes) - 1, 1)
        shares = [(count / total - other) / (stays - other) if stays > other else 0.0 for count in now]
        estimate = {name: round(min(max(share, 0.0), 1.0), 4) for name, share in zip(classes, shares, strict=True)}
        return {"labels": sum(now), "estimated_shares": estimate}
