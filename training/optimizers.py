"""Optimizers by name. All are the fused ones: the fastest on small nets (`docs/performance.md`)."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


def build(
    training: dict[str, Any], parameters: Mapping[str, nn.Parameter], rates: Mapping[str, float] | None = None
) -> torch.optim.Optimizer:
    """The optimizer of a spec's `training` over `parameters`; `rates`: factor of the learning rate of each by name.

    As in Hugging Face's trainer, weight decay spares biases and other parameters of one dimension.
    """
    rates = rates or {}
    groups = [
        {
            "params": [p for name, p in parameters.items() if (p.ndim > 1) is wide and rates.get(name, 1.0) == factor],
            "weight_decay": training["weight_decay"] if wide else 0.0,
            "rate_factor": factor,
        }
        for factor in sorted({rates.get(name, 1.0) for name in parameters})
        for wide in (True, False)
    ]
    groups = [group for group in groups if group["params"]]
    return OPTIMIZERS[training["optim"]](groups, lr=training["learning_rate"], fused=True)


def state_tensors(optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]) -> dict[str, torch.Tensor]:
    """The optimizer's state as tensors named "<parameter>/<key>", not copied."""
    return {
        f"{name}/{key}": value
        for name, parameter in parameters.items()
        for key, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, torch.Tensor)
    }


def load_state(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, torch.Tensor]
) -> None:
    """Put back what `state_tensors` gave, of the parameters that are here."""
    for path, value in tensors.items():
        name, _, key = path.rpartition("/")
        if name in parameters:
            optimizer.state[parameters[name]][key] = value
