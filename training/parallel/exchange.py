"""One exchange a step: sum a flat buffer over all ranks, in place, in the order of ranks.

Ranks of one host write into shared memory and read each other's part (58,000 floats: 78 µs against gloo's 1.57 ms);
others use the process group. Both give the same bits for two ranks.
"""

from collections.abc import Callable
from typing import Protocol

import torch

from training.parallel.shared_memory import SharedMemory, SharedMemoryExchange, meet_in_memory
from training.rendezvous import Group


class Exchange(Protocol):
    def sum(self) -> None: ...

    def close(self) -> None: ...


class NoExchange:
    """One rank: the buffer is the sum."""

    def sum(self) -> None:
        pass

    def close(self) -> None:
        pass


class GroupExchange:
    """Over the process group: gloo between CPUs, NCCL between GPUs."""

    def __init__(self, flat: torch.Tensor, group: Group):
        self._flat = flat
        self._group = group

    def sum(self) -> None:
        self._group.sum(self._flat)

    def close(self) -> None:
        pass


def exchange_over(flat: torch.Tensor, group: Group, tell: Callable[[str, str, str], None]) -> Exchange:
    """The fastest exchange of `flat` that these ranks can use; tells what was chosen and why.

    Every rank of the group has to call this at the same time.
    """
    if group.world_size == 1:
        return NoExchange()
    memory, reason = meet_in_memory(flat, group)
    chosen = "shared memory" if memory else "process group"
    tell("gradient exchange", chosen, reason)
    return SharedMemoryExchange(flat, memory, group) if isinstance(memory, SharedMemory) else GroupExchange(flat, group)
