"""What may make a step faster: fewer bits and a compiled model, as asked for, or chosen with a reason."""

from collections.abc import Callable

import torch
from torch import nn

from contract.reasons import EndReason
from training.failures import Failure
from training.rank import Rank

COMPILE_S = 300.0
"""of no sign of life while a model is compiled"""


def precision_of(rank: Rank) -> torch.dtype | None:
    """In which of bf16 and fp16 forward passes run; None: all in fp32. bf16 `auto`: on a GPU that has it.

    Raises Failure (impossible) where the device has no kernels for fp16.
    """
    training, device = rank.spec["training"], rank.device
    if training["fp16"]:
        _check_fp16(device)
        native = device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_fp16_supported()
        reason = "asked for" if native else "asked for; this CPU has no instructions for it, so steps get slower"
        rank.reporter.choice("fp16", "on", reason)
        return torch.float16
    wish = training["bf16"]
    if wish != "auto":
        return torch.bfloat16 if wish else None
    chosen = device.type == "cuda" and torch.cuda.is_bf16_supported()
    reason = "this GPU computes in bf16" if chosen else "on a CPU it made small nets slower (a dense net by half)"
    rank.reporter.choice("bf16", "on" if chosen else "off", reason)
    return torch.bfloat16 if chosen else None


def _check_fp16(device: torch.device) -> None:
    """A linear and a convolution layer there and back: what has kernels for these has them for the rest."""
    try:
        layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)).to(device)
        with torch.autocast(device.type, torch.float16):
            layers(torch.ones(1, 1, 4, 4, device=device)).float().sum().backward()
    except RuntimeError as error:
        sentence = f"this device cannot compute in fp16 ({str(error).splitlines()[0]}): set training.fp16 to false"
        raise Failure(EndReason.IMPOSSIBLE, sentence) from error


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
