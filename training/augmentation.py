"""Augmentations of a recipe, on batches of the train split: a pure function of (seed, step, rank, part).

A resumed training therefore repeats every bit. All that moves pixels is one matrix a picture, so that pictures are
sampled once, and boxes follow by the inverse of the same matrix. Pixels go in and come out as uint8.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample

from training.tasks.detection.boxes import Boxes

Augment = Callable[[torch.Tensor, Any, int, int], tuple[torch.Tensor, Any]]
"""inputs uint8 [n, C, H, W], targets, step, part (which batch of that step) → inputs, targets"""
PIXEL_MAX = 255.0
GREY = (0.299, 0.587, 0.114)
LEAST_SIDE = 1.0
"""pixels; a box of less, or of less than LEAST_VISIBLE of its area, is gone (as in `recipes/picture.py`)"""
LEAST_VISIBLE = 0.1


def augmentation_of(manifest: dict[str, Any], seed: int, rank: int) -> Augment | None:
    """What the manifest's `on_train` asks for; None when it asks for nothing. Raises ValueError for an unknown step.

    `rank`: equal for ranks that share their samples, so that they see them changed the same way.
    """
    steps = manifest.get("on_train", [])
    for step in steps:
        if step["step"] not in (*MOVES, *COLOURS, "mixup"):
            raise ValueError(f"'{step['step']}' is no augmentation that a trainer knows")
    if not steps:
        return None

    def augment(inputs: torch.Tensor, targets: Any, step: int, part: int) -> tuple[torch.Tensor, Any]:
        chance = _chance(seed, step, rank, part)
        return _augmented(steps, inputs, targets, chance) if len(inputs) else (inputs, targets)

    return augment


def _chance(*numbers: int) -> torch.Generator:
    """One generator for each combination; on the CPU, so that every kind of device draws the same."""
    state = 0
    for number in numbers:
        state = (state * 6364136223846793005 + number + 1442695040888963407) % 2**63
    return torch.Generator().manual_seed(state)


def _augmented(steps: list[dict], inputs: torch.Tensor, targets: Any, chance: torch.Generator):
    size, device = inputs.shape, inputs.device
    moves = torch.eye(3).repeat(size[0], 1, 1)
    for step in steps:
        if step["step"] in MOVES:
            moves = moves @ MOVES[step["step"]](step, size, chance)
    pixels = inputs.float()
    if any(step["step"] in MOVES for step in steps):
        grid = affine_grid(moves[:, :2].to(device), list(size), align_corners=False)
        pixels = grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        if isinstance(targets, Boxes):
            targets = _follow(targets, moves, size)
    for step in steps:
        if step["step"] in COLOURS:
            pixels = COLOURS[step["step"]](step, pixels, chance)
        elif step["step"] == "mixup" and isinstance(targets, torch.Tensor) and targets.dtype == torch.int64:
            pixels, targets = _mixed(step, pixels, targets, chance)
    return pixels.round().clamp(0, PIXEL_MAX).to(inputs.dtype), targets


def _uniform(count: int, low: float, high: float, chance: torch.Generator) -> torch.Tensor:
    return torch.rand(count, generator=chance) * (high - low) + low


def _flip(step: dict, size: torch.Size, chance: torch.Generator) -> torch.Tensor:
    """Matrices [n, 3, 3] from a place in the new picture to one in the old, both from -1 to 1."""
    matrices = torch.eye(3).repeat(size[0], 1, 1)
    axis = 0 if step["direction"] == "horizontal" else 1
    matrices[:, axis, axis] = torch.where(torch.rand(size[0], generator=chance) < step["probability"], -1.0, 1.0)
    return matrices


def _crop(step: dict, size: torch.Size, chance: torch.Generator) -> torch.Tensor:
    matrices = torch.eye(3).repeat(size[0], 1, 1)
    scale = _uniform(size[0], step["least"], 1.0, chance)
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    for axis in (0, 1):
        matrices[:, axis, 2] = _uniform(size[0], -1.0, 1.0, chance) * (1 - scale)
    return matrices


def _rotate(step: dict, size: torch.Size, chance: torch.Generator) -> torch.Tensor:
    """In pixels, so that a picture that is not square is not sheared."""
    angle = _uniform(size[0], -1.0, 1.0, chance) * math.radians(step["degrees"])
    ratio = size[3] / size[2]
    matrices = torch.eye(3).repeat(size[0], 1, 1)
    matrices[:, 0, 0] = matrices[:, 1, 1] = angle.cos()
    matrices[:, 0, 1] = -angle.sin() / ratio
    matrices[:, 1, 0] = angle.sin() * ratio
    return matrices


def _follow(targets: Boxes, moves: torch.Tensor, size: torch.Size) -> Boxes:
    """Upright boxes around where the corners of the boxes go; what leaves the picture is cut off, or gone."""
    corners = targets.corners.cpu()
    edge = torch.tensor([size[3], size[2]], dtype=torch.float32)
    x, y = corners[..., [0, 2, 2, 0]], corners[..., [1, 1, 3, 3]]
    points = torch.stack([x, y], -1) / edge * 2 - 1  # [n, K, 4, 2]
    ones = torch.ones(*points.shape[:3], 1)
    inverse = torch.linalg.inv(moves)[:, None, None]
    moved = (inverse @ torch.cat([points, ones], -1)[..., None])[..., :2, 0]
    places = (moved + 1) / 2 * edge
    whole = torch.cat([places.amin(2), places.amax(2)], -1)
    cut = torch.minimum(whole.clamp(min=0), edge.repeat(2))
    sides, before = cut[..., 2:] - cut[..., :2], whole[..., 2:] - whole[..., :2]
    seen = (sides.amin(-1) >= LEAST_SIDE) & (sides.prod(-1) >= LEAST_VISIBLE * before.prod(-1))
    device = targets.corners.device
    return Boxes(cut.to(device), targets.labels, targets.there & seen.to(device), targets.pictures)


def _jitter(step: dict, pixels: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    factors = [
        (1 + _uniform(len(pixels), -1.0, 1.0, chance) * step[name]).to(pixels.device)[:, None, None, None]
        for name in ("brightness", "contrast", "saturation")
    ]
    pixels = pixels * factors[0]
    mean = pixels.mean((1, 2, 3), keepdim=True)
    pixels = (pixels - mean) * factors[1] + mean
    if pixels.shape[1] == len(GREY):
        weights = torch.tensor(GREY, device=pixels.device)[None, :, None, None]
        grey = (pixels * weights).sum(1, keepdim=True)
        pixels = (pixels - grey) * factors[2] + grey
    return pixels


def _mixed(step: dict, pixels: torch.Tensor, labels: torch.Tensor, chance: torch.Generator):
    """Each picture blended with another of the batch by a weight from Beta(α, α); the label is drawn by that weight."""
    count, alpha = len(pixels), float(step["alpha"])
    other = torch.randperm(count, generator=chance).to(pixels.device)
    seed = int(torch.randint(2**62, (1,), generator=chance))
    weight = torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count)).float()
    keep = torch.rand(count, generator=chance) < weight
    share = weight.to(pixels.device)[:, None, None, None]
    blended = pixels * share + pixels[other] * (1 - share)
    return blended, torch.where(keep.to(labels.device), labels, labels[other])


MOVES = {"flip": _flip, "crop": _crop, "rotate": _rotate}
COLOURS = {"colour-jitter": _jitter}
