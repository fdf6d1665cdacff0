"""Optimizers by the names of Hugging Face's `TrainingArguments`. Fused where torch has it: the fastest on small nets.

Which were measured is in `docs/performance.md`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from contract.spec_training import optimizer_arguments

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "adamw_torch": partial(torch.optim.AdamW, fused=True),
    "adamw_torch_fused": partial(torch.optim.AdamW, fused=True),
    "sgd": partial(torch.optim.SGD, fused=True),
    "adagrad": partial(torch.optim.Adagrad, fused=True),
    "rmsprop": torch.optim.RMSprop,
    "adafactor": torch.optim.Adafactor,
}
NOTHING: dict[str, Any] = {"params": [nn.Parameter(torch.empty(0))], "weight_decay": 0.0, "rate_factor": 1.0}
"""for a rank that holds nothing that learns: an optimizer wants something to look after"""


def build(
    training: dict[str, Any], parameters: Mapping[str, nn.Parameter], rates: Mapping[str, float] | None = None
) -> torch.optim.Optimizer:
    """The optimizer of a spec's `training` over `parameters`; `rates`: factor of the learning rate of each by name.

    As in Hugging Face's trainer, weight decay spares biases and other parameters of one dimension.
    """
    rates = rates or {}
    groups: dict[tuple, dict[str, Any]] = {}
    for name, parameter in parameters.items():
        factor, wide = rates.get(name, 1.0), parameter.ndim > 1
        settings = {"weight_decay": training["weight_decay"] if wide else 0.0, "rate_factor": factor}
        kind = (factor, not wide, type(parameter).__name__)  # distributed tensors are never updated with plain ones
        groups.setdefault(kind, {"params": [], **settings})["params"].append(parameter)
    ordered = [group for _, group in sorted(groups.items(), key=lambda item: item[0])] or [dict(NOTHING)]
    name = training["optim"]
    more: dict[str, Any] = dict(optimizer_arguments(training))
    if name.startswith("adam"):
        more |= {"betas": (training["adam_beta1"], training["adam_beta2"]), "eps": training["adam_epsilon"]}
    return OPTIMIZERS[name](ordered, lr=training["learning_rate"], **more)


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
