"""A small detector without anchor boxes: at every fourth pixel it says whether a centre is there, and its box.

After FCOS (arXiv 1904.01355), with one level: a backbone that halves the picture a few times, the coarse maps added
back onto the fine one. Group norm, so that a batch split over ranks gives the same result.
"""

import math
from itertools import pairwise
from typing import Any

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
        halvings = enumerate(pairwise([shape[0], *channels]))  # the first map that is kept is that at STRIDE
        self.body = nn.Sequential(*(Halving(*widths, keeps=number > 1) for number, widths in halvings))
        self.onto = Onto(*(nn.Conv2d(each, width, 1) for each in channels[1:]))
        self.neck = nn.Sequential(_layer(width, width), _layer(width, width))
        self.places = Distances(_layer(width, width), nn.Conv2d(width, 4, 1))
        self.head = Answer(width, outputs)

    def blocks(self) -> list[str]:
        """Submodules that one after the other are the forward pass."""
        return [*(f"body.{place}" for place in range(len(self.body))), "onto", "neck", "places", "head"]

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.head(self.places(self.neck(self.onto(self.body(pixels)))))


class Halving(nn.Sequential):
    """Half of a map's height and width. Takes a picture, or maps, finest first, of which it halves the last; gives the
    new map, behind all others where it `keeps` them."""

    def __init__(self, before: int, after: int, keeps: bool):
        super().__init__(nn.Conv2d(before, after, 3, stride=2, padding=1), _norm(after), nn.ReLU())
        self._keeps = keeps

    def forward(self, maps: Any) -> tuple[torch.Tensor, ...]:
        maps = maps if isinstance(maps, tuple) else (maps,)
        return (*(maps if self._keeps else ()), super().forward(maps[-1]))


class Onto(nn.Sequential):
    """The map at STRIDE, with what the coarser ones saw added, coarsest first."""

    def forward(self, maps: tuple[torch.Tensor, ...]) -> torch.Tensor:
        reduced = [reduce(each) for reduce, each in zip(self, maps, strict=True)]
        merged = reduced.pop()
        for fine in reversed(reduced):
            merged = fine + interpolate(merged, size=fine.shape[2:], mode="nearest")
        return merged


class Distances(nn.Sequential):
    """The map, and at each of its points how far the four sides of a box are from it, in pixels."""

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return features, STRIDE * softplus(super().forward(features)).flatten(2).transpose(1, 2)


class Answer(nn.Conv2d):
    """Boxes, logits of their classes, and the points that say them."""

    def __init__(self, width: int, outputs: int):
        super().__init__(width, outputs, 1)
        nn.init.constant_(self.get_parameter("bias"), -math.log((1 - RARE) / RARE))

    def forward(self, said: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # type: ignore[override]
        features, distances = said
        points = _points(features)
        place = points[:, :2]
        corners = torch.cat([place - distances[..., :2], place + distances[..., 2:]], -1)
        return corners, super().forward(features).flatten(2).transpose(1, 2), points


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
