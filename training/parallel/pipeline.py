"""Pipeline parallel: each rank holds some layers; micro-batches pass through all ranks, forward and back.

The order is 1F1B: a rank runs as many passes ahead as there are ranks behind it, then takes turns between forward and
backward, so that it never keeps more activations than that. A plain schedule of our own rather than torch's: batches
may differ in size, and ranks exchange tensors only (`docs/decisions/`).
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from training.outputs import as_tuple
from training.parallel.cut import stages_of
from training.parallel.replicated import copied, union
from training.parallel.sharded import Sharded
from training.parallel.strategy import Batches, Forward, LossOf, Pieces

Tensors = tuple[torch.Tensor, ...]
Kind = tuple[torch.Size, torch.dtype]
"""shape of one sample, and type"""


class Pipeline(Sharded):
    same_samples = True

    @staticmethod
    def pass_size(batch_size: int) -> int:
        """A quarter, so that ranks wait less for the first and the last; less where it cannot be divided so."""
        return batch_size // max(parts for parts in (1, 2, 3, 4) if batch_size % parts == 0)

    def shard(self, model: nn.Module, net: nn.Module) -> tuple[nn.Module, nn.Module]:
        """A rank may hold nothing that learns, where the method leaves all of its layers as they are."""
        group = self._place.group
        first, last = group.rank == 0, group.rank == group.world_size - 1
        self._before = None if first else group.rank - 1
        self._after = None if last else group.rank + 1
        example = self._place.example[:1]
        with torch.no_grad():
            prepared = model.get_submodule("steps")(example)
        stages = stages_of(net, group.world_size, prepared)
        self._kinds = _kinds_into(net, stages[: group.rank], prepared)
        mine = {name: net.get_submodule(name) for name in stages[group.rank]}
        steps = [model.get_submodule("steps")] if first else []
        return nn.Sequential(*steps, *mine.values()), _Named(mine)

    def learn(self, batches: Batches, forward: Forward, loss_of: LossOf) -> None:
        passes = list(batches)
        ahead = self._place.group.world_size - 1 - self._place.group.rank
        self._sent: deque[tuple[Any, torch.Tensor]] = deque()
        running: deque[tuple[Tensors, Tensors]] = deque()
        for inputs, targets in passes:
            running.append(self._forward(inputs, targets, forward, loss_of))
            if len(running) > ahead:
                self._backward(*running.popleft())
        while running:
            self._backward(*running.popleft())
        while self._sent:
            self._sent.popleft()[0].wait()

    def _forward(self, inputs: Any, targets: Any, forward: Forward, loss_of: LossOf) -> tuple[Tensors, Tensors]:
        received: Tensors = ()
        if self._before is not None:
            received = tuple(self._receive(kind, len(inputs), self._before) for kind in self._kinds)
            inputs = received if len(received) > 1 else received[0]
        outputs = forward(inputs)
        if self._after is None:
            return received, (loss_of(outputs, targets),)
        given = tuple(part.float() if part.is_floating_point() else part for part in as_tuple(outputs))
        for part in given:
            self._send(part.detach(), self._after)
        return received, given

    def _backward(self, received: Tensors, outputs: Tensors) -> None:
        """Gradients go back of what has one; a stage of which nothing before it learns has nothing to send."""
        floating = [part for part in outputs if part.is_floating_point()]
        gradients: list[torch.Tensor | None] = [None] * len(floating)
        if self._after is not None:
            gradients = [self._receive((part.shape[1:], part.dtype), len(part), self._after) for part in floating]
        pairs = [pair for pair in zip(floating, gradients, strict=True) if pair[0].requires_grad]
        if pairs:
            torch.autograd.backward([part for part, _ in pairs], [gradient for _, gradient in pairs])
        for part in received:
            if self._before is not None and part.is_floating_point():
                self._send(torch.zeros_like(part) if part.grad is None else part.grad, self._before)

    def _receive(self, kind: Kind, rows: int, other: int) -> torch.Tensor:
        shape, dtype = kind
        tensor = torch.empty(rows, *shape, dtype=dtype, device=self._place.device)
        dist.recv(tensor, other)
        return tensor.requires_grad_() if tensor.is_floating_point() else tensor

    def _send(self, tensor: torch.Tensor, to: int) -> None:
        """The tensor is kept until it has arrived."""
        tensor = tensor.contiguous()
        self._sent.append((dist.isend(tensor, to), tensor))
        while self._sent and self._sent[0][0].is_completed():
            self._sent.popleft()

    def gathered(self, pieces: Mapping[str, torch.Tensor]) -> Pieces:
        return union(self._place.group, copied(pieces))

    def piece(self, name: str, whole: torch.Tensor) -> torch.Tensor:
        return whole.to(self._place.device) if whole.ndim else whole


class _Named(nn.Module):
    """Some submodules of a net under the names that they have there."""

    def __init__(self, blocks: dict[str, nn.Module]):
        super().__init__()
        for path, block in blocks.items():
            parent: nn.Module = self
            names = path.split(".")
            for name in names[:-1]:
                if name not in parent._modules:
                    parent.add_module(name, nn.Module())
                parent = parent.get_submodule(name)
            parent.add_module(names[-1], block)


def _kinds_into(net: nn.Module, before: list[list[str]], inputs: torch.Tensor) -> list[Kind]:
    """Shape of one sample, and type, of each tensor that the stages `before` end with."""
    passed: Any = inputs
    with torch.no_grad():
        for name in (name for stage in before for name in stage):
            passed = net.get_submodule(name)(passed)
    return [(part.shape[1:], part.dtype) for part in as_tuple(passed)]
