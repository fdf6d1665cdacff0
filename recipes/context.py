"""What a step may know of the item it changes: its number, chance, the project's key; and where it counts."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Context:
    """One item at one step. Chance hangs on nothing else, so the order and number of processes do not matter."""

    item: int = 0
    """its line in the version, from 0"""
    step: int = 0
    """its place in the recipe, from 0"""
    classes: Sequence[str] = ()
    """of the version, by number"""
    key: bytes = b""
    """the project's secret: never in a recipe, a manifest or on a device"""
    counts: Counter = field(default_factory=Counter)
    """what was changed, by kind, over all items"""

    def at(self, step: int) -> "Context":
        return replace(self, step=step)

    def count(self, what: str, number: int = 1) -> None:
        if number:
            self.counts[f"{self.step}.{what}"] += number

    def seeded(self, seed: int) -> np.random.Generator:
        """The same for everybody who knows `seed`."""
        return _generator(hashlib.sha256(f"{seed}:{self.step}:{self.item}".encode()).digest())

    def secret(self) -> np.random.Generator:
        """The same for whoever holds the project's key, and unknown to all others."""
        return _generator(hmac.digest(self.key, f"chance:{self.step}:{self.item}".encode(), "sha256"))


def _generator(digest: bytes) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
