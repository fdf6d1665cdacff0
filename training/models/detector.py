"""A small detector without anchor boxes: at every fourth pixel it says whether a centre is there, and its box.

After FCOS (arXiv 1904.01355), with one level: a backbone that halves the picture a few times, the coarse maps added
back onto the fine one. Group norm, so that a batch split over ranks gives the same result.
"""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import interpolate, softplus

STRIDE = 4
GROUPS = 8
RARE = 0.01
"""the score that every class begins with, so that the many empty points do not drown the first steps"""


class Detector(nn.Module):
    """Input float32 [n, C, H, W]; output boxes [n, P, 4] in pixels, logits [n, P, classes], points [P, 3].

    `channels`: width of each halving, at least two; the picture's sides should be multiples of 2 to that power.
    """

    def __init__(self, shape: list[int], outputs: int, channels: tuple[int, ...] | list[int] = (16, 48, 96, 128)):
        super().__init__()
        width = channels[1]
        self.body = nn.Sequential(*(_halving(before, after) for before, after in pairwise([shape[0], *channels])))
        self.onto = nn.ModuleList(nn.Conv2d(each, width, 1) for each in channels[1:])
        self.neck = nn.Sequential(_layer(width, width), _layer(width, width))
        self.places = nn.Sequential(_layer(width, width), nn.Conv2d(width, 4, 1))
        self.head = nn.Conv2d(width, outputs, 1)
        nn.init.constant_(self.head.get_parameter("bias"), -math.log((1 - RARE) / RARE))

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        features = self.neck(self._merged(pixels))
        points = _points(features)
        distances = STRIDE * softplus(self.places(features)).flatten(2).transpose(1, 2)
        place = points[:, :2]
        corners = torch.cat([place - distances[..., :2], place + distances[..., 2:]], -1)
        return corners, self.head(features).flatten(2).transpose(1, 2), points

    def _merged(self, pixels: torch.Tensor) -> torch.Tensor:
        """The map at STRIDE, with what the coarser ones saw added, coarsest first."""
        maps = []
        for halve in self.body:
            pixels = halve(pixels)
            maps.append(pixels)
        merged = self.onto[-1](maps[-1])
        for reduce, fine in zip(reversed(self.onto[:-1]), reversed(maps[1:-1]), strict=True):
            merged = reduce(fine) + interpolate(merged, size=fine.shape[2:], mode="nearest")
        return merged


def _halving(before: int, after: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), _norm(after), nn.ReLU())


def _layer(before: int, after: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), _norm(after), nn.ReLU())


def _norm(width: int) -> nn.Module:
    return nn.GroupNorm(math.gcd(GROUPS, width), width)


def _points(features: torch.Tensor) -> torch.Tensor:
    """Centres of the cells of a map [n, C, h, w], float32 [h × w, 3]: x, y, stride in pixels."""
    height, width = features.shape[2:]
    rows = (torch.arange(height, device=features.device, dtype=torch.float32) + 0.5) * STRIDE
    columns = (torch.arange(width, device=features.device, dtype=torch.float32) + 0.5) * STRIDE
    down, across = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([across.flatten(), down.flatten(), torch.full((height * width,), float(STRIDE))], 1)
