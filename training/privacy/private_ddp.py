"""Data parallel whose exchange carries clipped gradients and, once for all ranks, noise."""

from collections.abc import Sequence

import torch
from torch import nn

from training.parallel.ddp import DataParallel
from training.parallel.strategy import Batches, Forward, LossOf, Place
from training.privacy.clipping import Clipping
from training.privacy.guard import Privacy


class PrivateDataParallel(DataParallel):
    """Rank 0 adds the noise before the exchange, so that its amount does not depend on the number of ranks."""

    def __init__(self, model: nn.Module, net: nn.Module, place: Place, privacy: Privacy):
        super().__init__(model, net, place)
        self.clipping = Clipping(net, self.parameters, privacy.clip_norm)
        self._privacy = privacy
        self._step = 0

    def begin(self, step: int) -> None:
        super().begin(step)
        self._step = step

    def learn(self, batches: Batches, forward: Forward, loss_of: LossOf) -> None:
        self.clipping.learn(batches, forward, loss_of)

    def exchange(self, last: Sequence[float]) -> list[float]:
        if self._place.group.rank == 0:
            gradient = self._buffer.front
            gradient.add_(self._privacy.noise(self._step, gradient.numel()).to(gradient.device, torch.float32))
        return super().exchange(last)
