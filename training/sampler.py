"""Which samples a rank sees at a step: a pure function of (seed, epoch, step, rank), so that nothing has to be saved.

Every epoch is a permutation of the split, cut into global batches of `batch_size × accumulation × world_size`; a rank
takes its contiguous part of each, whatever their number: with fewer ranks than before each takes more micro-batches.
The last batch of an epoch may be smaller: its parts differ by at most one sample.
"""

import math
from collections.abc import Iterator

import torch


class Sampler:
    """Steps count from 1 over all epochs."""

    def __init__(
        self,
        samples: int,
        *,
        batch_size: int,
        rank: int,
        world_size: int,
        seed: int,
        accumulation: int = 1,
        batch_devices: int = 0,
    ):
        """`batch_devices`: how many devices' batches make a global batch, when that is not `world_size`."""
        self.samples = samples
        self.global_batch = batch_size * (batch_devices or world_size) * accumulation
        self.steps_per_epoch = max(1, math.ceil(samples / self.global_batch))
        self._batch_size = batch_size
        self._rank = rank
        self._world_size = world_size
        self._seed = seed
        self._order: torch.Tensor = torch.empty(0, dtype=torch.int64)
        self._order_of = -1

    def epoch(self, step: int) -> int:
        """The epoch, from 0, that `step` belongs to."""
        return (step - 1) // self.steps_per_epoch

    def global_size(self, step: int) -> int:
        """Samples of all ranks at `step`."""
        start = self._start(step)
        return min(self.samples, start + self.global_batch) - start

    def part(self, step: int) -> torch.Tensor:
        """This rank's sample numbers at `step`, int64; empty when a last batch has fewer samples than ranks."""
        start, size = self._start(step), self.global_size(step)
        first = start + size * self._rank // self._world_size
        last = start + size * (self._rank + 1) // self._world_size
        return self._permutation(self.epoch(step))[first:last]

    def micro_batches(self, step: int) -> Iterator[torch.Tensor]:
        """The part in pieces of at most `batch_size`, for gradient accumulation."""
        part = self.part(step)
        return iter(part.split(self._batch_size)) if len(part) else iter(())

    def _start(self, step: int) -> int:
        return (step - 1) % self.steps_per_epoch * self.global_batch

    def _permutation(self, epoch: int) -> torch.Tensor:
        if self._order_of != epoch:
            generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
            self._order = torch.randperm(self.samples, generator=generator)
            self._order_of = epoch
        return self._order
