"""A small vision transformer (Dosovitskiy et al., 2020, arXiv 2010.11929): patches, blocks, the mean of all places."""

import torch
from torch import nn

from training.models.block import Block, dense_layers

PATCHES_A_SIDE = 8
"""about so many: the patch's side is chosen by the picture's"""


class ViT(nn.Module):
    """Input float32 [n, C, H, W], output [n, outputs]. `width` of every place, `depth` blocks."""

    def __init__(self, shape: list[int], outputs: int, width: int = 64, depth: int = 4):
        super().__init__()
        self.patches = Patches(shape, width)
        self.body = nn.ModuleList(Block(width) for _ in range(depth))
        self.mean = Mean(width)
        self.head = nn.Linear(width, outputs)

    def blocks(self) -> list[str]:
        """Submodules that one after the other are the forward pass."""
        return ["patches", *(f"body.{place}" for place in range(len(self.body))), "mean", "head"]

    def tensor_plan(self) -> dict[str, str]:
        """How linear layers are cut across devices: the dense ones, not those of attention."""
        return dense_layers(self.body)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        places = self.patches(pixels)
        for block in self.body:
            places = block(places)
        return self.head(self.mean(places))


class Patches(nn.Module):
    """A picture as a row of patches, each with its place: float32 [n, C, H, W] → [n, L, width]."""

    def __init__(self, shape: list[int], width: int):
        super().__init__()
        side = max(1, round(max(shape[1:]) / PATCHES_A_SIDE))
        high, wide = (-(-length // side) for length in shape[1:])
        self._margin = (0, wide * side - shape[2], 0, high * side - shape[1])
        self.cut = nn.Conv2d(shape[0], width, side, stride=side)
        self.position = nn.Parameter(torch.randn(1, high * wide, width) * 0.02)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.cut(nn.functional.pad(pixels, self._margin)).flatten(2).transpose(1, 2) + self.position


class Mean(nn.Module):
    """The mean over all places, each normalised."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        return self.norm(places).mean(1)
