"""A rank's tie to its supervisor: the channel between them, and the signals that end a rank.

The rank writes JSON lines (`{"port": n, "address": a}` first) and hears the line `go`. When the channel closes, the
supervisor is gone, and so is the rank within two seconds. SIGTERM raises `Terminated` in the main thread; should that
be stuck in a collective, the watching thread ends the process itself. SIGUSR1 dumps all stacks into the log.
"""

import faulthandler
import json
import os
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Callable

from training.rank_process import CHANNEL_FD

TERM_GRACE_S = 1.0
"""after SIGTERM the main thread has this long to end the rank in its own way"""


class Terminated(BaseException):
    """The rank was told to end now (SIGTERM, or the supervisor's word `stop`)."""


class Lifeline:
    """`on_term()` and `on_lost()` are called on the watching thread just before it ends the process."""

    def __init__(self, channel: socket.socket | None):
        self._channel = channel
        self._said_go = threading.Event()
        self._leaving = threading.Event()

    @classmethod
    def from_environment(cls) -> "Lifeline":
        """The channel whose descriptor FLEETUNE_CHANNEL_FD names; none when a rank is run by hand."""
        number = os.environ.get(CHANNEL_FD)
        return cls(socket.socket(fileno=int(number)) if number else None)

    def watch(self, on_term: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """Listen from now on, on a thread of its own. Call from the main thread."""
        faulthandler.register(signal.SIGUSR1, all_threads=True)
        wake_read, wake_write = socket.socketpair()
        wake_write.setblocking(False)
        signal.set_wakeup_fd(wake_write.detach(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._terminate)
        threading.Thread(target=self._watch, args=(wake_read, on_term, on_lost), name="lifeline", daemon=True).start()

    def tell(self, message: dict) -> None:
        """Write one line to the supervisor."""
        if self._channel:
            self._channel.sendall(json.dumps(message).encode() + b"\n")

    def heard_go(self, within: float) -> bool:
        """Wait at most `within` seconds for the line `go`."""
        return self._said_go.wait(within)

    def let_go(self) -> None:
        """The rank is ending by itself: from here on neither signal nor channel interrupts it."""
        self._leaving.set()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def _terminate(self, *_) -> None:
        if not self._leaving.is_set():
            raise Terminated("SIGTERM")

    def _watch(self, wake: socket.socket, on_term: Callable[[], None], on_lost: Callable[[], None]) -> None:
        sources = selectors.DefaultSelector()
        sources.register(wake, selectors.EVENT_READ)
        if self._channel:
            sources.register(self._channel, selectors.EVENT_READ)
        while True:
            for key, _ in sources.select():
                heard = self._read(key.fileobj)  # type: ignore[arg-type]
                if key.fileobj is wake:
                    if signal.SIGTERM in heard:
                        self._end_unless_leaving(TERM_GRACE_S, on_term)
                elif not heard:
                    sources.unregister(self._channel)  # type: ignore[arg-type]
                    self._end_unless_leaving(0.0, on_lost)
                elif b"go" in heard:
                    self._said_go.set()

    @staticmethod
    def _read(source: socket.socket) -> bytes:
        try:
            return source.recv(4096)
        except OSError:
            return b""

    def _end_unless_leaving(self, grace: float, last_words: Callable[[], None]) -> None:
        if self._leaving.wait(grace):
            return
        try:
            last_words()
        finally:
            sys.stderr.flush()
            os._exit(1)
