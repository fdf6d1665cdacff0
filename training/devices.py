"""The device of a rank: which one, how many cores, and that equal inputs give equal bits on it."""

import os
import resource

import torch

from training.rank_process import CORES

KIND = "FLEETUNE_DEVICE_KIND"
INDEX = "FLEETUNE_DEVICE_INDEX"
"""cpu or cuda, and which one, in the environment of a rank. The CUDA path is written and has not been run yet."""


def choose_device() -> torch.device:
    """The device that the agent named; the CPU when it named none."""
    if os.environ.get(KIND, "cpu") != "cuda":
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get(INDEX, "0")))
    torch.cuda.set_device(device)
    return device


def take_cores() -> None:
    """Stay on the cores that belong to this device, with one thread on each."""
    cores = [int(core) for core in os.environ.get(CORES, "").split(",") if core]
    if cores:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)
        torch.set_num_threads(len(cores))


def make_deterministic(device: torch.device) -> None:
    """Choose kernels that repeat their result bit by bit; a model without such a kernel is warned about."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def peak_memory(device: torch.device) -> int:
    """The most bytes that this process held: of the GPU if it trains there, else resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
