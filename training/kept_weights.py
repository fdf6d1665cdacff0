"""Weights that are kept beside those that are trained: their running average, and the best that an evaluation saw.

What is evaluated during training is the average, when there is one; what a job leaves is the best, else the average,
else what was trained last.
"""

from typing import Any

import torch

from training.checkpoint_files import Contents
from training.model_files import AVERAGE
from training.parallel.sharded import local
from training.parallel.strategy import Pieces, Strategy

BEST = "best.safetensors"


class KeptWeights:
    def __init__(self, method: Strategy, training: dict[str, Any]):
        self._method = method
        self._decay = training["ema_decay"]
        self._keeps_best = training["load_best_model_at_end"]
        self.average: Pieces | None = _copies(method.parameters) if self._decay else None
        self.best: Pieces | None = None

    def follow(self, step: int) -> None:
        """Move the average towards the weights after `step`, faster at first: min(decay, (1 + step) / (10 + step))."""
        if self.average is not None:
            decay = min(self._decay, (1 + step) / (10 + step))
            averages = [local(self.average[name]) for name in self._method.parameters]
            weights = [local(parameter.detach()) for parameter in self._method.parameters.values()]
            torch._foreach_lerp_(averages, weights, 1.0 - decay)

    def keep_best(self) -> None:
        """The weights that were just evaluated are better than any before."""
        if self._keeps_best:
            self.best = _copies({**self._method.pieces(), **(self.average or {})})

    @property
    def result(self) -> Pieces | None:
        """What the job leaves; None: what is trained."""
        return self.best if self.best is not None else self.average

    def gathered(self) -> dict[str, Pieces]:
        """For a checkpoint, by file. Collective."""
        kept = {AVERAGE: self.average, BEST: self.best}
        return {name: self._method.gathered(pieces) for name, pieces in kept.items() if pieces is not None}

    def go_on_from(self, contents: Contents) -> None:
        here = self._method.pieces()
        found = {
            file: {name: self._method.piece(name, tensor) for name, tensor in tensors.items() if name in here}
            for file, tensors in contents.tensors.items()
            if file in (AVERAGE, BEST)
        }
        self.average, self.best = found.get(AVERAGE, self.average), found.get(BEST)


def _copies(tensors) -> Pieces:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}
