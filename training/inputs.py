"""The recipe's last steps, which run on the device and on whole batches: raw pixels in, what the model expects out.

They are part of the exported model too, so that whoever runs it feeds it prepared data as it lies on disk. Texts and
tables have none: tokens and features come as the model expects them.
"""

from typing import Any

import torch
from torch import nn

PIXEL_MAX = 255.0


class OnDeviceSteps(nn.Module):
    """`on_device` of a manifest as one multiplication and one addition per channel.

    Input [n, C, …] of any number type, pixels from 0 to 255; output float32 of the same shape.
    Raises ValueError for a step that is not known here.
    """

    factor: torch.Tensor
    shift: torch.Tensor

    def __init__(self, steps: list[dict[str, Any]], shape: list[int]):
        super().__init__()
        factor = torch.ones(shape[0], dtype=torch.float64)
        shift = torch.zeros(shape[0], dtype=torch.float64)
        for step in steps:
            factor, shift = _applied(step, factor, shift)
        per_channel = (-1, *([1] * (len(shape) - 1)))
        self.register_buffer("factor", factor.float().reshape(per_channel), persistent=False)
        self.register_buffer("shift", shift.float().reshape(per_channel), persistent=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.to(torch.float32) * self.factor + self.shift


def _applied(step: dict[str, Any], factor: torch.Tensor, shift: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    if step["step"] == "scale":
        low, high = step.get("to", [0, 1])
        ratio = (high - low) / PIXEL_MAX
        return factor * ratio, shift * ratio + low
    if step["step"] == "normalise":
        mean = torch.tensor(step["mean"], dtype=torch.float64)
        deviation = torch.tensor(step["std"], dtype=torch.float64)
        return factor / deviation, (shift - mean) / deviation
    raise ValueError(f"'{step['step']}' is no step that a device can apply; known are scale and normalise")


class FromPixels(nn.Module):
    """A model with its on-device steps in front: what is compared before step 0 and what is exported."""

    def __init__(self, steps: nn.Module, model: nn.Module):
        super().__init__()
        self.steps = steps
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.model(self.steps(image))


def from_prepared(manifest: dict[str, Any], net: nn.Module) -> FromPixels:
    """`net` as it takes prepared data of this manifest."""
    if manifest["kind"] == "image":
        return FromPixels(OnDeviceSteps(manifest["on_device"], list(manifest["input"]["shape"])), net)
    return FromPixels(nn.Identity(), net)


def example(manifest: dict[str, Any], rows: int, device: torch.device) -> torch.Tensor:
    """The same batch [rows, …] everywhere, as prepared data of this manifest could be."""
    shape, dtype = manifest["input"]["shape"], getattr(torch, manifest["input"]["dtype"])
    numbers = torch.arange(rows * torch.Size(shape).numel(), device=device) * 37 % 251
    if manifest["kind"] == "table":
        numbers = numbers / 125 - 1
    if manifest["kind"] == "text":
        numbers = numbers % (manifest["text"]["vocabulary"] - 1) + 1
    return numbers.to(dtype).reshape(rows, *shape)
