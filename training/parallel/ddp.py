"""Data parallel: every rank holds the whole model, gradients are summed over ranks once a step.

All gradients are views into one flat buffer, summed in one exchange in a fixed order: a resumed run repeats every bit.
"""

from collections.abc import Sequence

import torch
from torch import nn

from training.parallel.flat_buffer import FlatBuffer
from training.parallel.replicated import Replicated, running_statistics
from training.parallel.strategy import Place


class DataParallel(Replicated):
    apart = True

    def __init__(self, model: nn.Module, net: nn.Module, place: Place):
        super().__init__(model, net, place)
        parameters = list(self.parameters.values())
        size = sum(parameter.numel() for parameter in parameters)
        averaged = running_statistics(net)
        ranks = place.group.world_size
        self._buffer = FlatBuffer(size, averaged, place.tail, place.device, place.exchange_over, ranks)
        self.bytes_per_step = 4.0 * size
        start = 0
        for parameter in parameters:
            parameter.grad = self._buffer.front[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()

    def begin(self, step: int) -> None:
        self._buffer.zero()

    def add(self, *sums: float | torch.Tensor) -> None:
        self._buffer.add(*sums)

    def exchange(self, last: Sequence[float]) -> list[float]:
        return self._buffer.exchange(last)

    def norm(self) -> float:
        return float(torch.linalg.vector_norm(self._buffer.front))

    def scale(self, factor: float) -> None:
        self._buffer.front.mul_(factor)

    def close(self) -> None:
        self._buffer.close()
