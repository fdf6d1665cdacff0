"""A dense network: flattened pixels, hidden layers with ReLU, one output per class."""

import math
from itertools import pairwise

import torch
from torch import nn

from training.models.cuts import in_pairs


class Dense(nn.Module):
    """Input float32 [n, *shape], output [n, outputs]. `hidden`: width of each hidden layer."""

    def __init__(self, shape: list[int], outputs: int, hidden: tuple[int, ...] | list[int] = (64, 64)):
        super().__init__()
        widths = [math.prod(shape), *hidden]
        layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
        self.body = nn.Sequential(nn.Flatten(), *layers)
        self.head = nn.Linear(widths[-1], outputs)

    def blocks(self) -> list[str]:
        """Submodules that one after the other are the forward pass."""
        return [*(f"body.{place}" for place in range(len(self.body))), "head"]

    def tensor_plan(self) -> dict[str, str]:
        """How linear layers are cut across devices."""
        return in_pairs(self)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(pixels))
