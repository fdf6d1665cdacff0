"""The gradient of every single sample, cut to a length: no sample can move the model by more than that.

Opacus' hooks give them for a whole batch where it knows every layer that learns; other nets are run one sample at a
time, which is exact for any net and slower.
"""

import warnings
from typing import Any

import torch
from torch import nn

from training.models.vit import Patches
from training.parallel.strategy import Batches, Forward, LossOf

PASS_NUMBERS = 1 << 25
"""of gradients held at once (128 MiB): a batch is cut into passes that stay below"""


class Clipping:
    """Of the samples that go through `net`; `parameters` are those that learn, by name."""

    def __init__(self, net: nn.Module, parameters: dict[str, nn.Parameter], norm: float):
        self.norm = norm
        self.fallen_back_for = unknown_layer(net)
        self._parameters = list(parameters.values())
        self._hooks = None if self.fallen_back_for else _hooks(net)

    @property
    def rows(self) -> int:
        """The most samples of one pass."""
        if self._hooks is None:
            return 1
        return max(1, PASS_NUMBERS // sum(parameter.numel() for parameter in self._parameters))

    def learn(self, batches: Batches, forward: Forward, loss_of: LossOf) -> None:
        """Add the clipped gradient of every sample to each parameter's `grad`. A pass takes at most `rows` samples."""
        sums = [parameter.grad for parameter in self._parameters]
        if self._hooks:
            self._hooks.add_hooks(loss_reduction="sum", batch_first=True)
        try:
            for inputs, targets in batches:
                for parameter in self._parameters:
                    parameter.grad = None
                loss_of(forward(inputs), targets).backward()
                self._add_clipped(sums)
        finally:
            if self._hooks:
                self._hooks.remove_hooks()
            for parameter, total in zip(self._parameters, sums, strict=True):
                parameter.grad = total

    def _add_clipped(self, sums: list[torch.Tensor | None]) -> None:
        samples = [self._per_sample(parameter) for parameter in self._parameters]
        factors = clip_factors([gradient for gradient in samples if gradient is not None], self.norm)
        for total, gradient in zip(sums, samples, strict=True):
            if gradient is not None and total is not None:
                total.add_(torch.einsum("n,n...->...", factors, gradient))

    def _per_sample(self, parameter: Any) -> torch.Tensor | None:
        """Gradients [n, *shape]; None of a parameter that was not used."""
        if self._hooks is None:
            return None if parameter.grad is None else parameter.grad[None]
        gradient = parameter.grad_sample
        parameter.grad_sample = None
        return gradient


def clip_factors(gradients: list[torch.Tensor], norm: float) -> torch.Tensor:
    """Factor of each of n samples that makes its gradient over all tensors [n, …] at most `norm` long."""
    lengths = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    return (norm / (lengths + 1e-6)).clamp(max=1.0)


def unknown_layer(net: nn.Module) -> str:
    """The kind of the first layer that learns and that Opacus has no rule for; "" when it knows all of them."""
    _teach_patches()
    known = _samplers()
    for module in net.modules():
        learns = any(parameter.requires_grad for parameter in module.parameters(recurse=False))
        if learns and type(module) not in known:
            return type(module).__name__
    return ""


def _hooks(net: nn.Module) -> Any:
    from opacus.grad_sample import GradSampleHooks

    warnings.filterwarnings("ignore", "Full backward hook is firing")  # the first layer's inputs learn nothing
    hooks = GradSampleHooks(net, loss_reduction="sum", strict=False)
    hooks.remove_hooks()
    return hooks


def _samplers() -> dict[type, Any]:
    from opacus.grad_sample import GradSampleHooks

    return GradSampleHooks.GRAD_SAMPLERS


def _teach_patches() -> None:
    """Places are added to what the patches say, so what comes back to the sum is their gradient."""
    from opacus.grad_sample import register_grad_sampler

    if Patches not in _samplers():

        @register_grad_sampler(Patches)
        def positions(layer: Patches, activations: Any, backprops: torch.Tensor) -> dict[nn.Parameter, torch.Tensor]:
            return {layer.position: backprops[:, None]} if layer.position.requires_grad else {}
