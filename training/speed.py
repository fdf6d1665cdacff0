"""What may make a step faster: bf16 and a compiled model, as asked for, or chosen with a reason."""

from collections.abc import Callable

import torch
from torch import nn

from training.rank import Rank

COMPILE_S = 300.0
"""of no sign of life while a model is compiled"""


def uses_bf16(rank: Rank) -> bool:
    """Whether forward passes run in bf16. `auto`: on a GPU that has it."""
    wish = rank.spec["training"]["bf16"]
    if wish != "auto":
        return bool(wish)
    chosen = rank.device.type == "cuda" and torch.cuda.is_bf16_supported()
    reason = "this GPU computes in bf16" if chosen else "on a CPU it made small nets slower (a dense net by half)"
    rank.reporter.choice("bf16", "on" if chosen else "off", reason)
    return chosen


def for_training(rank: Rank, model: nn.Module, batch: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """`model` as the training loop calls it, compiled (on `batch`) if asked for. `auto`: not compiled."""
    wish = rank.spec["training"]["torch_compile"]
    if wish == "auto":
        rank.reporter.choice("torch_compile", "off", "it takes 7 to 19 s and gained at most a tenth on small nets")
    if wish is not True:
        return model
    rank.sign.enter("compile", COMPILE_S)
    compiled = torch.compile(model)
    compiled(batch).sum().backward()
    return compiled
