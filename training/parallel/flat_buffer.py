"""Numbers that are exchanged once a step, in one flat buffer: gradients or other sums, buffers of the net, a tail.

The tail rides along for free: the batch's weight (so that unequal batches still give the exact global mean), summed
losses, what each rank measured, and what ranks wish for (to drain, to save), so that they agree on it at the same step.
"""

from collections.abc import Callable, Sequence

import torch

from training.parallel.exchange import Exchange


class FlatBuffer:
    """float32 [front + averaged + tail]. `averaged`: tensors that hold the mean over `ranks` after each exchange."""

    def __init__(
        self,
        front: int,
        averaged: list[torch.Tensor],
        tail: int,
        device: torch.device,
        exchange_over: Callable[[torch.Tensor], Exchange],
        ranks: int,
    ):
        self._averaged = averaged if ranks > 1 else []
        middle = sum(tensor.numel() for tensor in self._averaged)
        self._flat = torch.zeros(front + middle + tail, dtype=torch.float32, device=device)
        self.front = self._flat[:front]
        self._middle = self._flat[front : front + middle]
        self._tail = self._flat[front + middle :]
        self._ranks = ranks
        self._exchange = exchange_over(self._flat)

    def zero(self) -> None:
        self._flat.zero_()

    def add(self, *sums: float | torch.Tensor) -> None:
        for place, value in enumerate(sums):
            self._tail[place] += value

    def exchange(self, last: Sequence[float]) -> list[float]:
        """Sum over all ranks; the whole tail, of which `last` are the last numbers."""
        self._tail[-len(last) :] = torch.tensor(last)
        if self._averaged:
            self._middle.copy_(torch.cat([tensor.reshape(-1) for tensor in self._averaged]))
        self._exchange.sum()
        start = 0
        for tensor in self._averaged:
            tensor.copy_(self._middle[start : start + tensor.numel()].view_as(tensor) / self._ranks)
            start += tensor.numel()
        return self._tail.tolist()

    def unshared(self, last: Sequence[float]) -> list[float]:
        """The tail of this rank alone."""
        self._tail[-len(last) :] = torch.tensor(last)
        return self._tail.tolist()

    def close(self) -> None:
        self._exchange.close()
