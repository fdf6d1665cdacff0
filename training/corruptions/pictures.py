"""Pictures uint8 [n, C, H, W], changed as in Hendrycks & Dietterich (2019, arXiv 1903.12261): their constants for small
pictures up to 64 pixels wide, those for large ones above."""

import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import conv2d, pad

SMALL_SIDE = 64
NOISE = ((0.04, 0.06, 0.08, 0.09, 0.10), (0.08, 0.12, 0.18, 0.26, 0.38))
"""deviation, of a range from 0 to 1: small and large pictures"""
BLUR = ((0.4, 0.6, 0.7, 0.8, 1.0), (1.0, 2.0, 3.0, 4.0, 6.0))
"""radius (deviation) in pixels"""
BRIGHTNESS = ((0.05, 0.1, 0.15, 0.2, 0.3), (0.1, 0.2, 0.3, 0.4, 0.5))
JPEG = ((80, 65, 58, 50, 40), (25, 18, 15, 10, 7))
"""quality"""


def noise(inputs: torch.Tensor, severity: int, manifest: dict[str, Any], generator: torch.Generator) -> torch.Tensor:
    drawn = torch.randn(inputs.shape, generator=generator)
    return _bytes(inputs / 255 + drawn * _constant(NOISE, inputs, severity))


def blur(inputs: torch.Tensor, severity: int, manifest: dict[str, Any], generator: torch.Generator) -> torch.Tensor:
    deviation = _constant(BLUR, inputs, severity)
    reach = max(1, int(4 * deviation + 0.5))
    line = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    line /= line.sum()
    planes = (inputs / 255).flatten(0, 1)[:, None]
    planes = conv2d(pad(planes, (reach, reach, 0, 0), mode="replicate"), line[None, None, None])
    planes = conv2d(pad(planes, (0, 0, reach, reach), mode="replicate"), line[None, None, :, None])
    return _bytes(planes.reshape(inputs.shape))


def brightness(
    inputs: torch.Tensor, severity: int, manifest: dict[str, Any], generator: torch.Generator
) -> torch.Tensor:
    return _bytes(inputs / 255 + _constant(BRIGHTNESS, inputs, severity))


def jpeg(inputs: torch.Tensor, severity: int, manifest: dict[str, Any], generator: torch.Generator) -> torch.Tensor:
    """Of one channel, or of the first three; others stay."""
    changed, quality = inputs.clone(), int(_constant(JPEG, inputs, severity))
    channels = 3 if inputs.shape[1] >= 3 else 1
    for row in changed:
        pixels = row[:channels].permute(1, 2, 0).numpy()
        into = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels[..., 0] if channels == 1 else pixels)).save(
            into, "JPEG", quality=quality
        )
        decoded = np.asarray(Image.open(into)).reshape(pixels.shape)
        row[:channels] = torch.from_numpy(decoded.copy()).permute(2, 0, 1)
    return changed


def _constant(constants: tuple[tuple[float, ...], ...], inputs: torch.Tensor, severity: int) -> float:
    return constants[int(max(inputs.shape[2:]) > SMALL_SIDE)][severity - 1]


def _bytes(shares: torch.Tensor) -> torch.Tensor:
    """From 0..1 and beyond."""
    return (shares.clamp(0, 1) * 255).round().to(torch.uint8)
