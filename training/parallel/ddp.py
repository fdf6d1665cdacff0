"""Data parallel: every rank holds the whole model, gradients are summed over ranks once a step.

All gradients are views into one flat buffer. Behind them lies a tail of a few numbers that ride along for free: the
batch's weight (so that unequal batches still give the exact global mean), summed losses, and what ranks wish for (to
drain, to save), so that they agree on it at the same step. One exchange a step, in a fixed order: a resumed run
repeats every bit.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from training.parallel.exchange import Exchange


class DataParallel:
    """Gradients of what learns in `model`, with a tail of `tail` floats."""

    def __init__(self, model: nn.Module, tail: int, exchange_over: Callable[[torch.Tensor], Exchange]):
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._size = sum(parameter.numel() for parameter in parameters)
        self._flat = torch.zeros(self._size + tail, dtype=torch.float32, device=parameters[0].device)
        self._gradients = self._flat[: self._size]
        self._tail = self._flat[self._size :]
        start = 0
        for parameter in parameters:
            parameter.grad = self._gradients[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()
        self._exchange = exchange_over(self._flat)

    def zero(self) -> None:
        """Before the first backward pass of a step; passes then add up."""
        self._flat.zero_()

    def add(self, *sums: float | torch.Tensor) -> None:
        """Add `sums` (numbers or tensors of one element) to the first numbers of the tail."""
        for place, value in enumerate(sums):
            self._tail[place] += value

    def exchange(self, wishes: Sequence[float]) -> list[float]:
        """Sum gradients and tail over all ranks. `wishes` are the last numbers of the tail; returns all of it."""
        self._tail[-len(wishes) :] = torch.tensor(wishes)
        self._exchange.sum()
        return self._tail.tolist()

    def norm(self) -> float:
        """Length of the gradient as it lies in the buffer."""
        return float(torch.linalg.vector_norm(self._gradients))

    def scale(self, factor: float) -> None:
        self._gradients.mul_(factor)

    def close(self) -> None:
        self._exchange.close()
