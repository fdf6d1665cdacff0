"""Boxes as x1, y1, x2, y2 in pixels of the prepared picture, and targets that are a list of them per picture."""

from dataclasses import dataclass

import torch

TINY = 1e-6


@dataclass(frozen=True)
class Boxes:
    """The true boxes of a batch, padded to the most that a picture has (at least one)."""

    corners: torch.Tensor
    """float32 [n, K, 4]"""
    labels: torch.Tensor
    """int64 [n, K]"""
    there: torch.Tensor
    """bool [n, K]: false for padding"""
    pictures: torch.Tensor
    """int64 [n]: which row of the split"""

    def to(self, device: torch.device) -> "Boxes":
        return Boxes(*(tensor.to(device) for tensor in vars(self).values()))

    def __len__(self) -> int:
        return len(self.pictures)


def areas(corners: torch.Tensor) -> torch.Tensor:
    """Of boxes [..., 4], never negative."""
    sides = (corners[..., 2:] - corners[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def overlaps(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Intersection over union, and union, of boxes that are paired by broadcasting ([..., 4] each)."""
    left_top = torch.maximum(first[..., :2], second[..., :2])
    right_bottom = torch.minimum(first[..., 2:], second[..., 2:])
    sides = (right_bottom - left_top).clamp(min=0)
    common = sides[..., 0] * sides[..., 1]
    union = areas(first) + areas(second) - common
    return common / (union + TINY), union


def generalised_overlaps(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """GIoU (Rezatofighi et al., 2019, arXiv 1902.09630) of paired boxes: 1 for equal ones, down to -1."""
    iou, union = overlaps(first, second)
    left_top = torch.minimum(first[..., :2], second[..., :2])
    right_bottom = torch.maximum(first[..., 2:], second[..., 2:])
    hull = areas(torch.cat([left_top, right_bottom], -1))
    return iou - (hull - union) / (hull + TINY)
