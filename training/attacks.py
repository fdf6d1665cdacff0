"""Inputs made to mislead a classifier: within a distance of the true ones, in the units that they are prepared in.

FGSM (Goodfellow et al., 2015, arXiv 1412.6572) and PGD (Madry et al., 2018, arXiv 1706.06083), L∞. `sizes` is the
largest change of each number of an input (broadcast over rows); `bounds` the least and most that a number may be.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

STEPS = 20
STARTS = 3
REACH = 2.5
"""steps together are so many times as long as the distance, so that a wrong start can be left again"""
Bounds = tuple[float, float] | None


@dataclass(frozen=True)
class Attacker:
    """`model` gives logits [n, classes] of inputs [n, …] as prepared; it must be in eval mode."""

    model: nn.Module
    bounds: Bounds = None

    def right(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Which rows the model answers rightly, bool [n]."""
        with torch.no_grad():
            return self.model(inputs).argmax(1) == labels

    def noise(self, inputs: torch.Tensor, sizes: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """Every number changed by its whole size, up or down by chance: what no attacker has to be clever for."""
        return self._kept(inputs + sizes * _signs(inputs, chance))

    def fgsm(self, inputs: torch.Tensor, labels: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        """One step of the whole size uphill."""
        return self._kept(inputs + sizes * self._uphill(inputs, labels))

    def pgd(
        self, inputs: torch.Tensor, labels: torch.Tensor, sizes: torch.Tensor, chance: torch.Generator
    ) -> torch.Tensor:
        """STEPS small steps uphill from STARTS places nearby; of each row a result that misleads, if any does."""
        found = inputs.clone()
        for _start in range(STARTS):
            away = torch.rand(inputs.shape, generator=chance).to(inputs.device) * 2 - 1
            tried = self._climbed(inputs, labels, sizes, self._kept(inputs + sizes * away))
            misled = ~self.right(tried, labels)
            found[misled] = tried[misled]
        return found

    def _climbed(
        self, inputs: torch.Tensor, labels: torch.Tensor, sizes: torch.Tensor, tried: torch.Tensor
    ) -> torch.Tensor:
        for _step in range(STEPS):
            tried = tried + REACH / STEPS * sizes * self._uphill(tried, labels)
            tried = self._kept(torch.minimum(torch.maximum(tried, inputs - sizes), inputs + sizes))
        return tried

    def _uphill(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Signs of the loss's gradient by the inputs."""
        inputs = inputs.detach().requires_grad_()
        loss = cross_entropy(self.model(inputs), labels, reduction="sum")
        return torch.autograd.grad(loss, inputs)[0].sign()

    def _kept(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.clamp(*self.bounds) if self.bounds else inputs


def _signs(like: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    return (torch.randint(0, 2, like.shape, generator=chance) * 2 - 1).to(like.device, like.dtype)
