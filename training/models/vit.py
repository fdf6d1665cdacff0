"""A small vision transformer (Dosovitskiy et al., 2020, arXiv 2010.11929): patches, blocks, the mean of all places."""

import torch
from torch import nn

from training.models.block import Block

PATCHES_A_SIDE = 8
"""about so many: the patch's side is chosen by the picture's"""


class ViT(nn.Module):
    """Input float32 [n, C, H, W], output [n, outputs]. `width` of every place, `depth` blocks."""

    def __init__(self, shape: list[int], outputs: int, width: int = 64, depth: int = 4):
        super().__init__()
        patch = max(1, round(max(shape[1:]) / PATCHES_A_SIDE))
        high, wide = (-(-side // patch) for side in shape[1:])
        self._margin = (0, wide * patch - shape[2], 0, high * patch - shape[1])
        self.patches = nn.Conv2d(shape[0], width, patch, stride=patch)
        self.position = nn.Parameter(torch.randn(1, high * wide, width) * 0.02)
        self.body = nn.ModuleList(Block(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        places = self.patches(nn.functional.pad(pixels, self._margin)).flatten(2).transpose(1, 2) + self.position
        for block in self.body:
            places = block(places)
        return self.head(self.norm(places).mean(1))
