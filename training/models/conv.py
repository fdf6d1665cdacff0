"""A small convolutional network without batch statistics, so that a batch split over ranks gives the same result."""

from itertools import pairwise

import torch
from torch import nn

from training.models.cuts import in_pairs

SMALLEST_SIDE = 4
"""pooling stops before a side would get shorter than half of this"""


class Conv(nn.Module):
    """Input float32 [n, C, H, W], output [n, outputs].

    `channels`: width of each 3×3 convolution; each is followed by ReLU and, while both sides are long enough, by a
    2×2 maximum. `hidden`: widths of the dense layers before the last.
    """

    def __init__(
        self,
        shape: list[int],
        outputs: int,
        channels: tuple[int, ...] | list[int] = (16, 32),
        hidden: tuple[int, ...] | list[int] = (64,),
    ):
        super().__init__()
        depth, height, width = shape
        layers: list[nn.Module] = []
        for before, after in pairwise([depth, *channels]):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
            if min(height, width) >= SMALLEST_SIDE:
                layers.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
        widths = [channels[-1] * height * width, *hidden]
        dense = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
        self.body = nn.Sequential(*layers, nn.Flatten(), *dense)
        self.head = nn.Linear(widths[-1], outputs)

    def blocks(self) -> list[str]:
        """Submodules that one after the other are the forward pass."""
        return [*(f"body.{place}" for place in range(len(self.body))), "head"]

    def tensor_plan(self) -> dict[str, str]:
        """How linear layers are cut across devices; convolutions are not."""
        return in_pairs(self)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(pixels))
