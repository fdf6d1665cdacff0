"""A rank that only exchanges: over shared memory and over the group, to compare the two bit by bit."""

import sys

import torch

from contract.run_dir import write_json
from tests.training.meeting import meet
from training.parallel.exchange import GroupExchange
from training.parallel.shared_memory import SharedMemoryExchange, meet_in_memory

CALLS = 300
NUMBERS = 4_097


def main(run_dir: str) -> None:
    rank, _go, group = meet(run_dir)
    in_memory, in_group = torch.zeros(NUMBERS), torch.zeros(NUMBERS)
    memory, reason = meet_in_memory(in_memory, group)
    exchanges = SharedMemoryExchange(in_memory, memory, group), GroupExchange(in_group, group)
    generator = torch.Generator().manual_seed(group.rank)
    equal, close, sums = 0, 0, []
    for _ in range(CALLS):
        mine = torch.randn(NUMBERS, generator=generator)
        in_memory.copy_(mine)
        in_group.copy_(mine)
        for exchange in exchanges:
            exchange.sum()
        equal += torch.equal(in_memory, in_group)
        close += torch.allclose(in_memory, in_group, atol=1e-5)
        sums.append(in_memory.numpy().tobytes())
    agreed = len(set(group.gather(b"".join(sums)))) == 1
    write_json(rank.paths.path / "exchanged.json", {"equal": equal, "close": close, "agreed": agreed, "reason": reason})
    write_json(rank.paths.exit, {"outcome": "succeeded"})
    group.barrier()
    sys.exit(0)
