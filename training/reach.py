"""Which peers are there and can be reached over the network: looked at once an exchange broke, to tell a cut line from
a rank that is slow or gone, and while peers are awaited outside any exchange."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch.distributed as dist

from training.failures import PeerLost, is_peer_loss
from training.link_probe import Listener
from training.progress import SignOfLife

CONNECT_S = 2.0
"""one lost packet is sent again within it"""
LOOK_S = 0.5


class Reach:
    """A port of this rank that nobody serves, as the kernel answers for it, and the ports of the others."""

    def __init__(self, address: str):
        self.address = address
        self._listener = Listener(address)
        self._peers: dict[int, str] = {}
        self._lines: dict[int, socket.socket] = {}
        """to each peer that was awaited; its kernel closes them when the process ends"""
        self._looked_at = 0.0

    def publish(self, store: dist.Store, rank: int) -> None:
        store.set(f"reach/{rank}", self._listener.address)

    def learn(self, store: dist.Store, rank: int, world_size: int) -> None:
        """Once all have published."""
        others = [other for other in range(world_size) if other != rank]
        told = store.multi_get([f"reach/{other}" for other in others])
        self._peers = {other: address.decode() for other, address in zip(others, told, strict=True)}

    def look_after_peers(self) -> None:
        """Raise PeerLost for a peer whose process has ended. Looks each LOOK_S, however often it is called."""
        if time.monotonic() - self._looked_at < LOOK_S:
            return
        self._looked_at = time.monotonic()
        for peer in self._peers:
            if self._is_gone(peer):
                raise PeerLost(peer, "gone")

    def _is_gone(self, peer: int) -> bool:
        """One that cannot be reached is not known to be."""
        try:
            if peer not in self._lines:
                self._lines[peer] = _connect(self._peers[peer])
                self._lines[peer].setblocking(False)
            return not self._lines[peer].recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except (ConnectionRefusedError, ConnectionResetError):
            return True
        except OSError:
            return False

    @contextmanager
    def naming_the_cut(self, sign: SignOfLife) -> Iterator[None]:
        """An exchange that breaks in here because a peer cannot be reached raises PeerLost with that peer's name."""
        try:
            yield
        except Exception as error:
            if not is_peer_loss(error):
                raise
            sign.touch()
            cut = self._cut_off()
            if not cut:
                raise
            peer, theirs = cut[0]
            raise PeerLost(peer, "unreachable", addresses=[self.address, theirs]) from error

    def _cut_off(self) -> list[tuple[int, str]]:
        """Rank and address of each peer to which no connection can be made."""
        with ThreadPoolExecutor(len(self._peers) or 1) as pool:
            answers = list(pool.map(_answers, self._peers.values()))
        asked = zip(self._peers.items(), answers, strict=True)
        return [(peer, address.rpartition(" ")[0]) for (peer, address), answered in asked if not answered]


def _answers(address: str) -> bool:
    """Whether a host answers there; it refuses when the rank's process is gone."""
    try:
        _connect(address).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def _connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(" ")
    return socket.create_connection((host, int(port)), CONNECT_S)
