"""How ranks meet: rank 0 binds a socket before it is told to go, every rank joins a store there, then one group."""

import os
import socket
import time
from collections.abc import Callable
from datetime import timedelta

import torch
import torch.distributed as dist

from contract.agent_calls import Go
from contract.reasons import EndReason
from contract.timing import HANG_GRACE_S
from training.failures import Failure, PeerLost
from training.reach import Reach

ADDRESS = "FLEETUNE_FABRIC_ADDRESS"
"""where other ranks reach this one; the loopback when all devices are on one host"""
PEER_SILENT_S = HANG_GRACE_S
"""a peer that does not answer a collective for so long is given up (torch's default is 30 minutes)"""
MEET_S = 600.0
"""peers may have much data to fetch, to check or to measure before they come"""
ASK_FIRST_S, ASK_LAST_S = 0.0002, 0.005


class Door:
    """Rank 0's listening socket for the rendezvous; other ranks have none and tell port 0."""

    def __init__(self, rank: int):
        self.address = os.environ.get(ADDRESS, "127.0.0.1")
        self.reach = Reach(self.address)
        self._socket: socket.socket | None = None
        self.port = 0
        if rank == 0:
            family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
            self._socket = socket.create_server((self.address, 0), family=family, backlog=1024)
            self.port = self._socket.getsockname()[1]

    def open_store(self, go: Go) -> dist.TCPStore:
        """The store of this attempt, served by rank 0 on the socket that was bound before. Raises PeerLost."""
        host, port = go.rendezvous["host"], int(go.rendezvous["port"])
        listening = self._socket.detach() if self._socket else None
        try:
            return dist.TCPStore(
                host,
                port,
                go.world_size,
                is_master=go.rank == 0,
                timeout=timedelta(seconds=PEER_SILENT_S),
                wait_for_workers=False,
                master_listen_fd=listening,
            )
        except dist.DistNetworkError as error:
            raise PeerLost(0, "unreachable", addresses=[self.address, host]) from error


class Group:
    """The ranks of an attempt. With one rank it needs no process group and every exchange is free."""

    def __init__(self, rank: int, world_size: int, store: dist.Store | None = None, reach: Reach | None = None):
        self.rank = rank
        self.world_size = world_size
        self._store = store
        self._reach = reach
        self._meetings = 0

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Add `tensor` over all ranks, in place."""
        if self.world_size > 1:
            dist.all_reduce(tensor)
        return tensor

    def rows(self, tensor: torch.Tensor) -> torch.Tensor:
        """Rows [m, k] of all ranks in order of rank; `m` may differ."""
        parts = self.gather(tensor.contiguous().numpy().tobytes())
        whole = bytearray(b"".join(parts))
        if not whole:
            return tensor
        return torch.frombuffer(whole, dtype=tensor.dtype).reshape(-1, *tensor.shape[1:])

    def tell(self, tensor: torch.Tensor, owner: int) -> torch.Tensor:
        """Fill `tensor` on all ranks with what it holds on rank `owner`."""
        if self.world_size > 1:
            dist.broadcast(tensor, owner)
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
        """Return once every rank is here; given up after PEER_SILENT_S like any exchange."""
        self.gather(b"")

    def meet(self, still_here: Callable[[], None]) -> None:
        """Return once every rank is here, however much longer its work took: called where ranks may differ in speed.

        `still_here()` is called meanwhile. Raises PeerLost soon after a rank's process ended, Failure after MEET_S.
        """
        if not (self._store and self._reach):
            return
        self._meetings += 1
        look_after_peers = self._reach.look_after_peers

        def waiting() -> None:
            still_here()
            look_after_peers()

        _wait_for_all(self._store, f"meeting {self._meetings}", self.rank, self.world_size, waiting)

    def _gather(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        parts = [torch.empty_like(tensor) for _ in range(self.world_size)]
        dist.all_gather(parts, tensor)
        return parts


def join(go: Go, door: Door, device: torch.device, still_here: Callable[[], None]) -> Group:
    """Meet the other ranks. `still_here()` is called while they are awaited. Raises Failure after MEET_S."""
    if go.world_size == 1:
        return Group(0, 1)
    return form_group(go, come_together(go, door, still_here), device, door.reach)


def come_together(go: Go, door: Door, still_here: Callable[[], None], within: float = MEET_S) -> dist.TCPStore:
    """Join the store of rank 0 and wait until every rank has. Raises Failure after `within` seconds."""
    _choose_interface(go, door.address)
    store = door.open_store(go)
    door.reach.publish(store, go.rank)
    _wait_for_all(store, "here", go.rank, go.world_size, still_here, within)
    door.reach.learn(store, go.rank, go.world_size)
    return store


def form_group(go: Go, store: dist.TCPStore, device: torch.device, reach: Reach) -> Group:
    """The process group of ranks that have come together."""
    dist.init_process_group(
        "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl",
        store=dist.PrefixStore("ranks", store),
        rank=go.rank,
        world_size=go.world_size,
        timeout=timedelta(seconds=PEER_SILENT_S),
    )
    return Group(go.rank, go.world_size, store, reach)


def wait_for(store: dist.Store, key: str, peer: int, still_here: Callable[[], None], within: float) -> bytes:
    """What rank `peer` puts into the store under `key`. Raises Failure after `within` seconds."""
    deadline, pause = time.monotonic() + within, ASK_FIRST_S
    while not store.check([key]):
        if time.monotonic() > deadline:
            sentence = f"rank {peer} did not come in time"
            raise Failure(EndReason.START_TIMEOUT, sentence, peer=peer)
        still_here()
        time.sleep(pause)
        pause = min(2 * pause, ASK_LAST_S)
    return store.get(key)


def _wait_for_all(
    store: dist.Store,
    place: str,
    rank: int,
    world_size: int,
    still_here: Callable[[], None],
    within: float = MEET_S,
) -> None:
    store.set(f"{place}/{rank}", "yes")
    deadline = time.monotonic() + within
    for other in range(world_size):
        left = deadline - time.monotonic()
        wait_for(store, f"{place}/{other}", other, still_here, left)


def _choose_interface(go: Go, address: str) -> None:
    """gloo would look up the host's name; it is told the interface that carries our address instead."""
    interface = go.interface or ("lo" if address.startswith("127.") else "")
    if interface:
        os.environ["GLOO_SOCKET_IFNAME"] = interface
