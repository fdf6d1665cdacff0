"""The files of a model: weights by the names that others know, and a configuration that says how to use them.

A net of the transformers library is left in that library's layout: its own config.json with ours inside, under
"fleetune", and weights by its own names. So its classes load what a job leaves.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from contract.run_dir import read_json
from training.models.transformers_net import configuration

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
AVERAGE = "average.safetensors"
"""of a checkpoint: the running average of the weights, where one is kept"""
OURS = "fleetune"
PREFIX = "net."


def config_of(ours: dict[str, Any], net: nn.Module) -> dict[str, Any]:
    """What config.json says of `net`."""
    theirs = configuration(net)
    return theirs | {OURS: ours} if theirs else ours


def without_adapters(config: dict[str, Any]) -> dict[str, Any]:
    """What config.json says when LoRA's matrices are merged."""
    if OURS in config:
        return {**config, OURS: without_adapters(config[OURS])}
    return {key: value for key, value in config.items() if key not in ("adapters", "outputs")}


def read_config(directory: Path) -> dict[str, Any] | None:
    """Our part of the configuration in `directory`, its `model` complete; None when there is none."""
    config = read_json(directory / CONFIG)
    if config is None or OURS not in config:
        return config
    ours = config.pop(OURS)
    return {**ours, "model": {**ours["model"], "config": config}}


def metadata_of(net: nn.Module) -> dict[str, str] | None:
    """What the library wants to read at the beginning of a file of weights."""
    return {"format": "pt"} if configuration(net) else None


def weights_of(net: nn.Module) -> dict[str, torch.Tensor]:
    """Every tensor once, by the name that others know it by. A tensor that two names share comes under the first."""
    found: dict[str, torch.Tensor] = {}
    seen: set[tuple[int, torch.Size]] = set()
    for name, tensor in net.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape)
        if tensor.numel() and place in seen:
            continue
        seen.add(place)
        found[name.removeprefix(PREFIX) if configuration(net) else name] = tensor.detach().contiguous()
    return found
