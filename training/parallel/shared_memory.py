"""Summing a buffer among ranks of one host through a file in memory that all of them map.

Each rank has two slots and a counter in the file. A call writes its part into one slot, raises its own counter, waits
until every counter is as high, and adds all parts in the order of ranks. The slots alternate: nobody can write into
the slot of call n again (call n + 2) before all have passed call n + 1, so one wait a call is enough.

It relies on stores becoming visible in program order, as they do on x86-64; elsewhere the process group is used. The
file is unlinked as soon as all have mapped it: nothing is left behind, however a rank ends.
"""

import json
import mmap
import os
import platform
import secrets
import select
import time
from dataclasses import dataclass

import torch

from training.failures import PeerLost
from training.rendezvous import PEER_SILENT_S, Group

FOLDER = "/dev/shm"  # noqa: S108 - the file is created with O_EXCL, mode 0600 and a random name, and unlinked at once
LINE_BYTES = 64
"""each counter has a cache line of its own"""
SPINS = 4_000
"""looks at a counter before giving the core away: about 0.2 ms"""
NAP_S, LONGEST_NAP_S = 0.00005, 0.001
"""Naps, not yields: on cores with four other processes each, a step took 10 ms on average instead of 15."""
NAP_SHARE = 0.05
"""A nap is as long as this part of the wait so far: who waits long for a slow rank takes little CPU meanwhile, which
counts where that is rationed, and is late by no more than that."""
ORDERED_MACHINES = ("x86_64", "AMD64")
MARK = 0x5AFE


@dataclass
class SharedMemory:
    """The mapped file, seen as counters and as slots [2, world_size, numel] of float32."""

    counters: memoryview
    slots: torch.Tensor
    peers: dict[int, int]
    """rank → a descriptor that becomes readable when that process ends"""


class SharedMemoryExchange:
    def __init__(self, flat: torch.Tensor, memory: SharedMemory, group: Group):
        self._flat = flat
        self._memory = memory
        self._rank = group.rank
        self._others = [rank for rank in range(group.world_size) if rank != group.rank]
        self._calls = 0

    def sum(self) -> None:
        self._calls += 1
        parts = self._memory.slots[self._calls % 2]
        parts[self._rank].copy_(self._flat)
        self._memory.counters[self._rank * (LINE_BYTES // 8)] = self._calls
        for other in self._others:
            self._wait_for(other)
        torch.add(parts[0], parts[1], out=self._flat)
        for part in parts[2:]:
            self._flat.add_(part)

    def close(self) -> None:
        for descriptor in self._memory.peers.values():
            os.close(descriptor)
        self._memory.peers.clear()

    def _wait_for(self, other: int) -> None:
        counters, place, wanted = self._memory.counters, other * (LINE_BYTES // 8), self._calls
        for _ in range(SPINS):
            if counters[place] >= wanted:
                return
        self._wait_long(other, place, wanted)

    def _wait_long(self, other: int, place: int, wanted: int) -> None:
        started = time.monotonic()
        while self._memory.counters[place] < wanted:
            if self._is_gone(other) and self._memory.counters[place] < wanted:
                raise PeerLost(other, "gone")
            waited = time.monotonic() - started
            if waited > PEER_SILENT_S:
                raise PeerLost(other, "silent", PEER_SILENT_S)
            time.sleep(min(max(NAP_S, NAP_SHARE * waited), LONGEST_NAP_S))

    def _is_gone(self, other: int) -> bool:
        return bool(select.select([self._memory.peers[other]], [], [], 0)[0])


def meet_in_memory(flat: torch.Tensor, group: Group) -> tuple[SharedMemory | None, str]:
    """Map one file on all ranks, or say why that cannot be. All ranks get the same answer."""
    introductions = [json.loads(text) for text in group.gather(json.dumps(_introduction(flat)).encode())]
    obstacle = next((each["obstacle"] for each in introductions if each["obstacle"]), "")
    if not obstacle and any(each["place"] != introductions[0]["place"] for each in introductions):
        obstacle = "the ranks run on different hosts"
    if obstacle:
        return None, obstacle
    memory, problem = _map_together(flat, group, [each["pid"] for each in introductions])
    problems = [text.decode() for text in group.gather(problem.encode())]
    failed = next((text for text in problems if text), "")
    return (None, failed) if failed else (memory, "all ranks run on one host")


def _introduction(flat: torch.Tensor) -> dict:
    """Who this rank is and where: equal places share memory and see each other's processes."""
    obstacle = ""
    if flat.device.type != "cpu":
        obstacle = "gradients lie on a GPU"
    elif platform.machine() not in ORDERED_MACHINES:
        obstacle = f"{platform.machine()} may reorder stores"
    elif not os.path.isdir(FOLDER) or not hasattr(os, "pidfd_open"):
        obstacle = "this system has no shared memory folder or no process descriptors"
    return {"obstacle": obstacle, "pid": os.getpid(), "place": "" if obstacle else _place()}


def _place() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    folder = os.stat(FOLDER)
    spaces = [os.readlink(f"/proc/self/ns/{name}") for name in ("mnt", "net", "pid")]
    return json.dumps([boot, folder.st_dev, folder.st_ino, *spaces])


def _map_together(flat: torch.Tensor, group: Group, pids: list[int]) -> tuple[SharedMemory | None, str]:
    """Rank 0 makes the file, all map it and leave their mark, all see all marks. Second: what went wrong, or ""."""
    size = group.world_size * LINE_BYTES + 2 * group.world_size * flat.numel() * 4
    path, problem = "", ""
    if group.rank == 0:
        path, problem = _make_file(size)
    path, problem = json.loads(group.gather(json.dumps([path, problem]).encode())[0])
    memory = None
    if not problem:
        memory, problem = _map(path, size, flat.numel(), group, pids)
    if memory:
        memory.counters[group.rank * (LINE_BYTES // 8) + 1] = MARK + group.rank
    group.barrier()
    if group.rank == 0 and path:
        os.unlink(path)
    if memory:
        marks = [memory.counters[rank * (LINE_BYTES // 8) + 1] for rank in range(group.world_size)]
        if marks != [MARK + rank for rank in range(group.world_size)]:
            problem = "a rank does not see what another wrote into shared memory"
    return memory, problem


def _make_file(size: int) -> tuple[str, str]:
    path = f"{FOLDER}/fleetune-{os.getpid()}-{secrets.token_hex(8)}"
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except OSError as error:
        return "", f"no file in shared memory: {error.strerror}"
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        os.unlink(path)
        return "", f"no {size} bytes of shared memory: {error.strerror}"
    finally:
        os.close(file)
    return path, ""


def _map(path: str, size: int, numel: int, group: Group, pids: list[int]) -> tuple[SharedMemory | None, str]:
    try:
        file = os.open(path, os.O_RDWR)
        mapped = mmap.mmap(file, size)
        os.close(file)
        peers = {rank: os.pidfd_open(pid) for rank, pid in enumerate(pids) if rank != group.rank}
    except OSError as error:
        return None, f"shared memory cannot be mapped: {error.strerror}"
    head = group.world_size * LINE_BYTES
    counters = memoryview(mapped)[:head].cast("Q")
    slots = torch.frombuffer(mapped, dtype=torch.float32, offset=head).view(2, group.world_size, numel)
    return SharedMemory(counters, slots, peers), ""
