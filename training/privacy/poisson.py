"""Poisson sampling: at every step each sample is taken or left on its own, so that batches differ in size.

This is what makes many steps cost little privacy. A pure function of (key, step), like the plain sampler of its seed.
"""

from typing import Any

import torch

from training.privacy.secret import Secret
from training.sampler import Sampler


class PoissonSampler(Sampler):
    """The same interface as `Sampler`; `global_batch` is the expected number of samples. `secret` is given before the
    first step."""

    secret: Secret

    def __init__(self, samples: int, **settings: Any):
        super().__init__(samples, **settings)
        self._taken: torch.Tensor = torch.empty(0, dtype=torch.int64)
        self._taken_at = -1

    @property
    def rate(self) -> float:
        """Probability of each sample at each step."""
        return min(1.0, self.global_batch / max(self.samples, 1))

    def passes_of(self, rows: int) -> None:
        """From here on a forward pass takes at most so many samples."""
        self._pass_size = min(self._pass_size, rows)

    def global_size(self, step: int) -> int:
        return len(self._included(step))

    def part(self, step: int) -> torch.Tensor:
        return self._included(step)[self._first(step, self._rank) : self._last(step, self._rank)]

    def _start(self, step: int) -> int:
        return 0

    def _included(self, step: int) -> torch.Tensor:
        """Numbers of all ranks' samples at `step`, rising."""
        if self._taken_at != step:
            chance = self.secret.uniform("samples", step, self.samples)
            self._taken, self._taken_at = (chance < self.rate).nonzero()[:, 0], step
        return self._taken
