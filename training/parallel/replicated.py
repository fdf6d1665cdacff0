"""What strategies have in common in which every rank holds the whole model."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from training.parallel.strategy import Batches, Forward, LossOf, Pieces, Place
from training.rendezvous import Group


class Replicated:
    same_samples = False
    lockstep = False
    apart = False

    def __init__(self, model: nn.Module, net: nn.Module, place: Place):
        """`net`: the part of `model` whose names tensors have."""
        self.module = model
        self._place = place
        self._net = net
        self.parameters = learning(net)

    @staticmethod
    def pass_size(batch_size: int) -> int:
        return batch_size

    def learn(self, batches: Batches, forward: Forward, loss_of: LossOf) -> None:
        for inputs, targets in batches:
            loss_of(forward(inputs), targets).backward()

    def end(self) -> None:
        pass

    def pieces(self) -> Pieces:
        return {name: tensor.detach() for name, tensor in self._net.state_dict().items()}

    def gathered(self, pieces: Mapping[str, torch.Tensor]) -> Pieces:
        return copied(pieces)

    def piece(self, name: str, whole: torch.Tensor) -> torch.Tensor:
        return whole.to(self._place.device)

    def gathered_state(self, state: Mapping[str, torch.Tensor]) -> Pieces:
        return self.gathered(state)

    def state_pieces(self, whole: Mapping[str, torch.Tensor]) -> Pieces:
        return {
            path: tensor if path.endswith("/step") else self.piece(path.rpartition("/")[0], tensor)
            for path, tensor in of_rank(whole, self._place.group.rank).items()
        }

    @contextmanager
    def whole(self, pieces: Mapping[str, torch.Tensor] | None = None) -> Iterator[None]:
        if pieces is None:
            yield
            return
        trained = copied(self.pieces())
        self._net.load_state_dict(pieces, strict=False)
        try:
            yield
        finally:
            self._net.load_state_dict(trained)


def of_rank(state: Mapping[str, torch.Tensor], rank: int) -> Pieces:
    """What of a gathered state belongs to `rank`: "<parameter>/<key>", or "<rank>/<parameter>/<key>" where each rank
    had its own; with more ranks than were there, some share one."""
    own = [path.split("/", 1) for path in state if path.count("/") == 2]
    if not own:
        return {path: tensor for path, tensor in state.items() if "/" in path}
    mine = str(rank % len({number for number, _ in own}))
    return {path: state[f"{number}/{path}"] for number, path in own if number == mine}


def union(group: Group, pieces: Mapping[str, torch.Tensor]) -> Pieces:
    """Tensors (on the CPU) of all ranks, under names that differ. Collective."""
    mine = [(name, str(tensor.dtype).removeprefix("torch."), list(tensor.shape)) for name, tensor in pieces.items()]
    found = {}
    for owner, theirs in enumerate(group.gather(json.dumps(mine).encode())):
        for name, dtype, shape in json.loads(theirs):
            tensor = pieces[name] if owner == group.rank else torch.empty(shape, dtype=getattr(torch, dtype))
            found[name] = group.tell(tensor, owner)
    return found


def learning(net: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}


def running_statistics(net: nn.Module) -> list[torch.Tensor]:
    """Floating-point buffers that a forward pass may change (such as means of a batch norm)."""
    kept = net.state_dict()
    return [buffer for name, buffer in net.named_buffers() if name in kept and buffer.is_floating_point()]


def copied(tensors: Mapping[str, torch.Tensor]) -> Pieces:
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
