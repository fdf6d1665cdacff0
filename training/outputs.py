"""What a model gives is one tensor, or a tuple of them: the few things that are done with either."""

from typing import Any

import torch


def as_tuple(outputs: Any) -> tuple[torch.Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def to_float(outputs: Any) -> Any:
    """The same in float32, whatever type the forward pass ran in."""
    return tuple(part.float() for part in outputs) if isinstance(outputs, tuple) else outputs.float()


def in_one_row(outputs: Any) -> torch.Tensor:
    """Every number, float32 on the CPU."""
    return torch.cat([part.float().reshape(-1).cpu() for part in as_tuple(outputs)])
