"""Frozen linear layers in int8 with one scale per row: a quarter of the memory, for LoRA beside them.

Plain torch: the weights are made full again for each product and dropped after it, so it runs wherever torch does.
"""

import torch
from torch import nn
from torch.nn.functional import linear

LARGEST = 127.0


class Int8Linear(nn.Module):
    """Gives what the linear layer it was made of gives, to half a 127th of each row's largest weight."""

    weight: torch.Tensor
    scale: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, layer: nn.Linear):
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        full = layer.weight.detach().float()
        scale = (full.abs().amax(1, keepdim=True) / LARGEST).clamp(min=torch.finfo(torch.float32).tiny)
        self.register_buffer("weight", (full / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach().clone())

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled() and inputs.requires_grad:
            product = _Product.apply(inputs, self.weight, self.scale)
            return product if self.bias is None else product + self.bias
        return linear(inputs, self.full_weight(), self.bias)

    def full_weight(self) -> torch.Tensor:
        """float32 [out, in]"""
        return self.weight.float() * self.scale

    def full(self) -> nn.Linear:
        """An ordinary layer with these weights."""
        layer = nn.Linear(self.in_features, self.out_features, self.bias is not None, device=self.weight.device)
        with torch.no_grad():
            layer.weight.copy_(self.full_weight())
            if self.bias is not None:
                layer.bias.copy_(self.bias)
        return layer.requires_grad_(False)


class _Product(torch.autograd.Function):
    """inputs · weightᵀ, whose full weights are not kept for the way back but made again."""

    @staticmethod
    def forward(ctx, inputs, weight, scale):
        ctx.save_for_backward(weight, scale)
        ctx.dtype = inputs.dtype
        return linear(inputs, weight.float() * scale)

    @staticmethod
    def backward(ctx, gradient):
        weight, scale = ctx.saved_tensors
        return (gradient.float() @ (weight.float() * scale)).to(ctx.dtype), None, None


def quantise_bases(net: nn.Module) -> int:
    """Put linear layers that have adapters beside them into int8; how many."""
    bases = [module for module in net.modules() if type(getattr(module, "base_layer", None)) is nn.Linear]
    for module in bases:
        module.base_layer = Int8Linear(module.base_layer)  # type: ignore[arg-type]
    return len(bases)


def full_again(module: nn.Module) -> None:
    """The layer beside these adapters as an ordinary one."""
    if isinstance(module.base_layer, Int8Linear):
        module.base_layer = module.base_layer.full()
