"""How ranks meet: rank 0 binds a socket before it is told to go, every rank joins a store there, then one group."""

import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable
from datetime import timedelta

import torch
import torch.distributed as dist

from contract.agent_calls import Go
from contract.reasons import EndReason
from contract.timing import HANG_GRACE_S
from training.failures import Failure

ADDRESS = "FLEETUNE_FABRIC_ADDRESS"
"""where other ranks reach this one; the loopback when all devices are on one host"""
PEER_SILENT_S = HANG_GRACE_S
"""a peer that does not answer a collective for so long is given up (torch's default is 30 minutes)"""
MEET_S = 600.0
"""peers may have much data to fetch before they come"""
ASK_EVERY_S = 0.005
_SIOCGIFADDR = 0x8915


class Door:
    """Rank 0's listening socket for the rendezvous; other ranks have none and tell port 0."""

    def __init__(self, rank: int):
        self.address = os.environ.get(ADDRESS, "127.0.0.1")
        self._socket: socket.socket | None = None
        self.port = 0
        if rank == 0:
            family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
            self._socket = socket.create_server((self.address, 0), family=family, backlog=1024)
            self.port = self._socket.getsockname()[1]

    def open_store(self, go: Go) -> dist.TCPStore:
        """The store of this attempt, served by rank 0 on the socket that was bound before."""
        host, port = go.rendezvous["host"], int(go.rendezvous["port"])
        listening = self._socket.detach() if self._socket else None
        return dist.TCPStore(
            host,
            port,
            go.world_size,
            is_master=go.rank == 0,
            timeout=timedelta(seconds=PEER_SILENT_S),
            wait_for_workers=False,
            master_listen_fd=listening,
        )


class Group:
    """The ranks of an attempt. With one rank it needs no process group and every exchange is free."""

    def __init__(self, rank: int, world_size: int):
        self.rank = rank
        self.world_size = world_size

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Add `tensor` over all ranks, in place."""
        if self.world_size > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, data: bytes) -> list[bytes]:
        """The `data` of every rank in order of rank. Lengths may differ."""
        if self.world_size == 1:
            return [data]
        lengths = self._gather(torch.tensor([len(data)]))
        longest = max(int(length) for length in lengths)
        padded = torch.zeros(longest, dtype=torch.uint8)
        padded[: len(data)] = torch.frombuffer(bytearray(data or b"\0"), dtype=torch.uint8)[: len(data)]
        parts = self._gather(padded)
        return [part[: int(length)].numpy().tobytes() for part, length in zip(parts, lengths, strict=True)]

    def barrier(self) -> None:
        """Return once every rank is here."""
        self.gather(b"")

    def _gather(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        parts = [torch.empty_like(tensor) for _ in range(self.world_size)]
        dist.all_gather(parts, tensor)
        return parts


def join(go: Go, door: Door, device: torch.device, still_here: Callable[[], None]) -> Group:
    """Meet the other ranks. `still_here()` is called while they are awaited. Raises Failure after MEET_S."""
    if go.world_size == 1:
        return Group(0, 1)
    _choose_interface(go, door.address)
    store = door.open_store(go)
    _wait_for_all(store, go, still_here)
    dist.init_process_group(
        "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl",
        store=dist.PrefixStore("ranks", store),
        rank=go.rank,
        world_size=go.world_size,
        timeout=timedelta(seconds=PEER_SILENT_S),
    )
    return Group(go.rank, go.world_size)


def _wait_for_all(store: dist.Store, go: Go, still_here: Callable[[], None]) -> None:
    store.set(f"here/{go.rank}", "yes")
    deadline = time.monotonic() + MEET_S
    missing = list(range(go.world_size))
    while missing := [rank for rank in missing if not store.check([f"here/{rank}"])]:
        if time.monotonic() > deadline:
            sentence = f"rank {missing[0]} did not come within {MEET_S:.0f} s"
            raise Failure(EndReason.START_TIMEOUT, sentence, peer=missing[0])
        still_here()
        time.sleep(ASK_EVERY_S)


def _choose_interface(go: Go, address: str) -> None:
    """gloo would look up the host's name; it is told the interface that carries our address instead."""
    interface = go.interface or interface_of(address)
    if interface:
        os.environ["GLOO_SOCKET_IFNAME"] = interface


def interface_of(address: str) -> str:
    """The network interface with this IPv4 address; "" when it is not found."""
    if address.startswith("127."):
        return "lo"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:  # an interface without an IPv4 address
                continue
            if socket.inet_ntoa(answer[20:24]) == address:
                return name
    return ""
