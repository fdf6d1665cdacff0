"""What strategies have in common in which a rank trains a part of the model only.

The model that was given stays as a frame without weights; what is trained is a copy of it, of which a rank keeps its
part. To be evaluated or exported, the frame is filled with the weights of all ranks.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from training.parallel.flat_buffer import FlatBuffer
from training.parallel.replicated import learning, running_statistics
from training.parallel.strategy import Batches, Forward, LossOf, Pieces, Place


class Sharded:
    """`shard(model, net)` cuts the copy in place and gives what is left to run, and its net."""

    same_samples = False
    lockstep = False
    apart = False
    bytes_per_step = 0.0

    def __init__(self, model: nn.Module, net: nn.Module, place: Place):
        self._frame = net
        self._place = place
        trained, trained_net = _copy_of(model, net)
        self.module, self._net = self.shard(trained, trained_net)
        self.parameters = learning(self._net)
        _empty(net)
        averaged = [] if self.same_samples else running_statistics(self._net)
        ranks = place.group.world_size
        self._buffer = FlatBuffer(1, averaged, place.tail, place.device, place.exchange_over, ranks)

    def shard(self, model: nn.Module, net: nn.Module) -> tuple[nn.Module, nn.Module]:
        raise NotImplementedError

    def begin(self, step: int) -> None:
        self._buffer.zero()
        for parameter in self.parameters.values():
            parameter.grad = None

    @staticmethod
    def pass_size(batch_size: int) -> int:
        return batch_size

    def learn(self, batches: Batches, forward: Forward, loss_of: LossOf) -> None:
        for inputs, targets in batches:
            loss_of(forward(inputs), targets).backward()

    def add(self, *sums: float | torch.Tensor) -> None:
        self._buffer.add(*sums)

    def exchange(self, last: Sequence[float]) -> list[float]:
        """Gradients are summed already; the squares of their length ride in front of the tail."""
        squares = [self.share_of_norm(name) * local(grad).norm() ** 2 for name, grad in self._gradients()]
        if squares:
            self._buffer.front[0] = torch.stack(squares).sum()
        return self._buffer.exchange(last)

    def norm(self) -> float:
        return float(self._buffer.front[0]) ** 0.5

    def scale(self, factor: float) -> None:
        gradients = [local(grad) for _, grad in self._gradients()]
        if gradients:
            torch._foreach_mul_(gradients, factor)

    def end(self) -> None:
        pass

    def share_of_norm(self, name: str) -> float:
        """1 where this rank's gradient of `name` is to be counted, 0 where another rank has the same."""
        return 1.0

    def pieces(self) -> Pieces:
        return {name: tensor.detach() for name, tensor in self._net.state_dict().items()}

    def gathered_state(self, state: Mapping[str, torch.Tensor]) -> Pieces:
        return self.gathered(state)

    def state_pieces(self, whole: Mapping[str, torch.Tensor]) -> Pieces:
        split = ((path, path.rpartition("/")[0], tensor) for path, tensor in whole.items())
        return {path: self.piece(name, tensor) for path, name, tensor in split if name in self.parameters}

    @contextmanager
    def whole(self, pieces: Mapping[str, torch.Tensor] | None = None) -> Iterator[None]:
        everything = self.gathered(self.pieces() if pieces is None else {**self.pieces(), **pieces})
        self._fill(everything)
        try:
            yield
        finally:
            _empty(self._frame)

    def gathered(self, pieces: Mapping[str, torch.Tensor]) -> Pieces:
        raise NotImplementedError

    def piece(self, name: str, whole: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def close(self) -> None:
        self._buffer.close()

    def _gradients(self) -> list[tuple[str, torch.Tensor]]:
        return [(name, p.grad) for name, p in self.parameters.items() if p.grad is not None]

    def _fill(self, tensors: Pieces) -> None:
        """Weights take the place of the emptied ones (tied ones stay tied), buffers are copied."""
        for name, parameter in self._frame.named_parameters():
            parameter.data = tensors[name].to(self._place.device)
        kept = self._frame.state_dict()
        for name, buffer in self._frame.named_buffers():
            if name in kept:
                buffer.copy_(tensors[name])


def local(tensor: torch.Tensor) -> torch.Tensor:
    """This rank's part of a distributed tensor; any other as it is."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def _copy_of(model: nn.Module, net: nn.Module) -> tuple[nn.Module, nn.Module]:
    both = copy.deepcopy((model, net))
    return both[0], both[1]


def _empty(net: nn.Module) -> None:
    for parameter in net.parameters():
        parameter.data = parameter.data.new_empty(0)
