"""Networks that this trainer builds itself. To add one: write its file after `dense.py` and register it here."""

from typing import Any

import torch
from torch import nn

from training.models.conv import Conv
from training.models.dense import Dense
from training.models.detector import Detector
from training.models.text import LanguageModel, TextEncoder
from training.models.vit import ViT

PRESETS: dict[str, type[nn.Module]] = {
    "dense": Dense,
    "conv": Conv,
    "vit": ViT,
    "detector": Detector,
    "text": TextEncoder,
    "lm": LanguageModel,
}


def build(
    model: dict[str, Any], shape: list[int], outputs: int, seed: int, text: dict[str, Any] | None = None
) -> nn.Module:
    """The network of a job spec's `model` (a preset) for inputs [n, *shape], with weights drawn from `seed`.

    `text`: of the manifest, for data that is tokens: vocabulary, pad.
    """
    torch.manual_seed(seed)
    widths = {name: value for name, value in model.items() if name != "source"}
    return PRESETS[model["source"]](shape, outputs, **widths, **({"text": text} if text else {}))
