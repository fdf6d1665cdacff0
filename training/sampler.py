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
        pass_size: int = 0,
    ):
        """`batch_devices`: how many devices' batches make a global batch, when that is not `world_size`.

        `pass_size`: the most samples of one forward pass, when that is not `batch_size`.
        """
        self.samples = samples
        self.global_batch = batch_size * (batch_devices or world_size) * accumulation
        self.steps_per_epoch = max(1, math.ceil(samples / self.global_batch))
        self._pass_size = pass_size or batch_size
        self.shares = [1.0 / world_size] * world_size
        """of every global batch, per rank; may be changed between steps"""
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
        return self._permutation(self.epoch(step))[self._first(step, self._rank) : self._last(step, self._rank)]

    def micro_batches(self, step: int, *, lockstep: bool = False) -> Iterator[torch.Tensor]:
        """The part in pieces for one forward pass each. `lockstep`: as many on each rank, the last ones empty."""
        part = self.part(step)
        pieces = list(part.split(self._pass_size)) if len(part) else []
        if lockstep:
            pieces += [part[:0]] * (math.ceil(max(self.counts(step)) / self._pass_size) - len(pieces))
        return iter(pieces)

    def counts(self, step: int) -> list[int]:
        """Samples of each rank at `step`."""
        return [self._last(step, rank) - self._first(step, rank) for rank in range(self._world_size)]

    def own_count(self, step: int) -> int:
        """Samples of this rank at `step`."""
        return self._last(step, self._rank) - self._first(step, self._rank)

    def _first(self, step: int, rank: int) -> int:
        size = self.global_size(step)
        if self.shares[0] == 1.0 / self._world_size:
            return self._start(step) + size * rank // self._world_size
        return self._start(step) + (round(size * sum(self.shares[:rank])) if rank < self._world_size else size)

    def _last(self, step: int, rank: int) -> int:
        return self._first(step, rank + 1)

    def _start(self, step: int) -> int:
        return (step - 1) % self.steps_per_epoch * self.global_batch

    def _permutation(self, epoch: int) -> torch.Tensor:
        if self._order_of != epoch:
            generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
            self._order = torch.randperm(self.samples, generator=generator)
            self._order_of = epoch
        return self._order
