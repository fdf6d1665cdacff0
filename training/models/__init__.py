"""Networks that this trainer builds itself. To add one: write its file after `dense.py` and register it here."""

from typing import Any

import torch
from torch import nn

from training.models.conv import Conv
from training.models.dense import Dense

PRESETS: dict[str, type[nn.Module]] = {"dense": Dense, "conv": Conv}


def build(model: dict[str, Any], shape: list[int], outputs: int, seed: int) -> nn.Module:
    """The network of a job spec's `model` (a preset) for inputs [n, *shape], with weights drawn from `seed`."""
    torch.manual_seed(seed)
    widths = {name: value for name, value in model.items() if name != "source"}
    return PRESETS[model["source"]](shape, outputs, **widths)


def freeze_all_but_head(model: nn.Module) -> None:
    """Method `head`: only the last layer learns."""
    model.requires_grad_(False)
    model.get_submodule("head").requires_grad_(True)
