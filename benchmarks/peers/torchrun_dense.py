"""One optimizer step of a dense net under `torchrun`, for `benchmarks/start.py`: rank 0 says when it was done."""

import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

BATCH = 64


def main() -> None:
    dist.init_process_group("gloo")
    torch.manual_seed(dist.get_rank())
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    model = DistributedDataParallel(net)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    loss = nn.functional.cross_entropy(model(torch.rand(BATCH, 1, 28, 28)), torch.randint(0, 10, (BATCH,)))
    loss.backward()
    optimizer.step()
    if dist.get_rank() == 0:
        print(time.time(), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
