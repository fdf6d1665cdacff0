"""Rows float32 [n, features], standardised: noise in units of the deviation, and values that are missing."""

from typing import Any

import torch

NOISE = (0.1, 0.25, 0.5, 1.0, 2.0)
MISSING = (0.05, 0.1, 0.2, 0.3, 0.5)
"""share of the values"""


def noise(inputs: torch.Tensor, severity: int, manifest: dict[str, Any], generator: torch.Generator) -> torch.Tensor:
    return inputs + torch.randn(inputs.shape, generator=generator) * NOISE[severity - 1]


def missing(inputs: torch.Tensor, severity: int, manifest: dict[str, Any], generator: torch.Generator) -> torch.Tensor:
    """A missing value is read as the mean, which is 0."""
    drawn = torch.rand(inputs.shape, generator=generator) < MISSING[severity - 1]
    return inputs.masked_fill(drawn, 0.0)
