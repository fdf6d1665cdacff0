"""What the loop, checkpoints, evaluation and export ask of a way to share one model among ranks.

A step is: `begin`, `learn` (passes that add up gradients and sums), `exchange` (what all ranks decide alike by),
`norm` and `scale`, the optimizer's update of `parameters`, `end`. A *piece* is what one rank holds of a tensor:
all of it, a part, or nothing; names are those of the net everywhere. Methods that say so are collective: all ranks
have to call them at the same time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from training.parallel.exchange import Exchange
from training.plan import Plan
from training.rendezvous import Group

Pieces = dict[str, torch.Tensor]
Batches = Iterable[tuple[Any, Any]]
"""inputs and targets of one pass each, on the device, read when asked for"""
Forward = Callable[[Any], Any]
LossOf = Callable[[Any, Any], torch.Tensor]
"""(outputs, targets) → the summed loss to go backward from; adds the sums of the pass to the strategy's tail"""


@dataclass(frozen=True)
class Place:
    """Where a strategy works."""

    group: Group
    device: torch.device
    options: dict[str, Any]
    """`parallel` of the job spec"""
    plan: Plan
    example: Any
    """a batch as prepared"""
    tail: int
    """how many numbers ride along in each exchange"""
    exchange_over: Callable[[torch.Tensor], Exchange]


class Strategy(Protocol):
    def __init__(self, model: nn.Module, net: nn.Module, place: Place):
        """Share `model`; `net` is the part of it whose names tensors have."""

    same_samples: bool
    """whether every rank takes the whole global batch; else each takes its part of it"""
    lockstep: bool
    """whether passes are collective, so that every rank has to do equally many"""
    apart: bool
    """whether ranks work on their own up to the exchange of each step, so that their seconds say who is slow"""
    module: nn.Module
    """what `forward` of `learn` runs"""
    bytes_per_step: float
    """what a rank gives to the exchange in one step, on average; 0 where that is not known"""
    parameters: dict[str, nn.Parameter]
    """what learns, as far as this rank holds it"""

    @staticmethod
    def pass_size(batch_size: int) -> int:
        """The most samples of one forward pass, for a device that was given `batch_size`."""

    def begin(self, step: int) -> None:
        """Gradients and sums are 0 from here."""

    def learn(self, batches: Batches, forward: Forward, loss_of: LossOf) -> None:
        """Forward and backward passes over all batches."""

    def add(self, *sums: float | torch.Tensor) -> None:
        """Add `sums` (numbers or tensors of one element) to the first numbers of the tail."""

    def exchange(self, last: Sequence[float]) -> list[float]:
        """Sum what has to be summed. `last` are the last numbers of the tail; returns all of it. Collective."""

    def norm(self) -> float:
        """Length of the summed gradient of the whole model."""

    def scale(self, factor: float) -> None:
        """Multiply every gradient."""

    def end(self) -> None:
        """The optimizer has made its step. Collective."""

    def pieces(self) -> Pieces:
        """Weights and persistent buffers as they are now, not copied."""

    def gathered(self, pieces: Mapping[str, torch.Tensor]) -> Pieces:
        """Whole tensors on the CPU, copied, equal on all ranks. Collective."""

    def piece(self, name: str, whole: torch.Tensor) -> torch.Tensor:
        """What this rank holds of `whole`, a tensor that belongs to the parameter `name`."""

    def gathered_state(self, state: Mapping[str, torch.Tensor]) -> Pieces:
        """The same as `gathered` for what the optimizer keeps, "<parameter>/<key>". Collective."""

    def state_pieces(self, whole: Mapping[str, torch.Tensor]) -> Pieces:
        """What this rank's optimizer goes on with, of what `gathered_state` gave on any number of ranks."""

    def whole(self, pieces: Mapping[str, torch.Tensor] | None = None) -> AbstractContextManager[None]:
        """Inside, the model that was given has all of `pieces` (None: what is trained) as weights. Collective."""

    def close(self) -> None: ...
