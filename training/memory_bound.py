"""How much memory a rank may take: a bound that somebody set, and in a preflight also what is free now.

A process that asks for more is told so by its allocator and can say it. Without a bound the kernel would kill it, or
somebody else on the same host.
"""

import os
from pathlib import Path

import torch

SETTING = "FLEETUNE_MEMORY_BYTES"
"""bytes that each rank of this host may take beyond what its starter has, in the environment of its agent"""
CGROUP, PROC = Path("/sys/fs/cgroup"), Path("/proc")
LEFT_FREE = 0.05
"""of what is free: a preflight must not bring the host to its last byte"""


def keep_to_setting(device: torch.device) -> int | None:
    """Hold this process to the bound that was set, if one was; the bytes."""
    bound = _set_bound()
    if bound is not None:
        _hold(device, bound)
    return bound


def keep_to_what_is_free(device: torch.device) -> int | None:
    """For work that tries how much fits: hold it to the least of the bound, its control group's room and the host's."""
    free = [_set_bound(), *([] if device.type == "cuda" else [_room_of_group(), _room_of_host()])]
    known = [value for value in free if value is not None]
    if known:
        _hold(device, min(known))
    return min(known, default=None)


def _hold(device: torch.device, bound: int) -> None:
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, bound / total), device)
        return
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    limit = _status("VmData") + bound
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _set_bound() -> int | None:
    text = os.environ.get(SETTING, "")
    return int(text) if text.isdecimal() else None


def _room_of_group() -> int | None:
    """What is left of this control group's limit; None where it has none."""
    try:
        groups = (PROC / "self/cgroup").read_text(encoding="ascii").splitlines()
        path = CGROUP / next(line for line in groups if line.startswith("0::")).removeprefix("0::").lstrip("/")
        limit = (path / "memory.max").read_text(encoding="ascii").strip()
        used = int((path / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError, StopIteration):
        return None
    return int((int(limit) - used) * (1 - LEFT_FREE)) if limit.isdecimal() else None


def _room_of_host() -> int | None:
    try:
        lines = (PROC / "meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    free = next((line for line in lines if line.startswith("MemAvailable:")), "")
    return int(int(free.split()[1]) * 1024 * (1 - LEFT_FREE)) if free else None


def _status(name: str) -> int:
    """Bytes of a line of /proc/self/status."""
    try:
        lines = (PROC / "self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    line = next((line for line in lines if line.startswith(f"{name}:")), "")
    return int(line.split()[1]) * 1024 if line else 0
