"""A TCP relay between a device and its server that does what bad lines do: delay, stall at random, cut."""

import contextlib
import random
import socket
import threading
import time
from urllib.parse import urlsplit


class BadLine:
    """`with BadLine(server.url, delay_s=0.2) as line:`; the device is given `line.url`."""

    def __init__(
        self, url: str, *, delay_s: float = 0.0, stall_s: float = 0.0, stalls: float = 0.0, cut_after: int = 0,
        cuts: int = 0, seed: int = 7,
    ):  # fmt: skip
        """`stalls`: share of pieces before which it stalls; `cuts`: so many requests end after `cut_after` bytes."""
        self.there = urlsplit(url)
        self.delay_s, self.stall_s, self.stalls = delay_s, stall_s, stalls
        self.cut_after, self.cuts, self.was_cut = cut_after, cuts, 0
        self.random = random.Random(seed)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.ending = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self) -> "BadLine":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending = True
        self.listener.close()

    def _accept(self) -> None:
        while not self.ending:
            try:
                near, _address = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection((self.there.hostname, self.there.port))
            for side in (near, far):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._carry, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, False), daemon=True).start()

    def _carry(self, source: socket.socket, goal: socket.socket, asks: bool) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                self._be_slow()
                carried += len(piece)
                if asks and self.was_cut < self.cuts and carried > self.cut_after:
                    self.was_cut += 1
                    break
                goal.sendall(piece)
        for side in (source, goal):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _be_slow(self) -> None:
        stalls = self.random.random() < self.stalls
        if self.delay_s or stalls:
            time.sleep(self.delay_s + (self.stall_s if stalls else 0))
