"""What the network between two devices can do: can each reach the other, how long a message takes, how much fits.

Plain sockets, so that a pair which cannot talk is found by name before a process group would hang on it.
"""

import socket
import statistics
import threading
import time
from dataclasses import dataclass

PIECE = 1 << 18
"""bytes of one message of the bandwidth's measurement"""
LEAST_BYTES, WITHIN_S = 4 << 20, 0.25
"""a fast link sends at least so much, a slow one for at most so long (one piece at least)"""
ROUNDS = 50
BACKLOG = 1024
"""connections that wait to be accepted: where nobody serves, each of the other ranks may hold one"""
CONNECT_S = 3.0
ANSWER_S = 10.0
STAMP = 8


@dataclass(frozen=True)
class Link:
    """One pair, as the caller saw it."""

    latency_seconds: float
    """half of the median round trip of 8 bytes"""
    bytes_per_second: float
    clock_offset_seconds: float
    """how far the other's clock is ahead of ours, to half a round trip"""
    rounds: int


class Listener:
    """A port of this device to which every other one connects, served by a thread of its own."""

    def __init__(self, address: str):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.create_server((address, 0), family=family, backlog=BACKLOG)
        self.address = f"{address} {self._socket.getsockname()[1]}"
        """as `measure` takes it"""

    def serve(self) -> None:
        """Answer whoever measures, one after the other, until `close`."""
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            try:
                _answer(connection)
            except OSError as error:
                print(f"a link broke while it was measured: {error}")


def _answer(connection: socket.socket) -> None:
    """Be the other end of one `measure`."""
    with connection:
        connection.settimeout(ANSWER_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _round in range(ROUNDS):
            _receive(connection, STAMP)
            connection.sendall(_stamp(time.time()))
        while _receive(connection, PIECE)[:1] == b"\1":
            pass
        connection.sendall(b"!")


def measure(address: str) -> Link:
    """Talk to the listener at `address`. Raises OSError when it cannot be reached or stops answering."""
    host, _, port = address.rpartition(" ")
    with socket.create_connection((host, int(port)), timeout=CONNECT_S) as connection:
        connection.settimeout(ANSWER_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        trips, offsets = zip(*(_round_trip(connection) for _round in range(ROUNDS)), strict=True)
        quickest = min(range(ROUNDS), key=trips.__getitem__)
        return Link(statistics.median(trips) / 2, _bandwidth(connection), offsets[quickest], ROUNDS)


def _round_trip(connection: socket.socket) -> tuple[float, float]:
    """Seconds there and back, and how far the other's clock was ahead of the middle of that."""
    began, clock = time.perf_counter(), time.time()
    connection.sendall(_stamp(clock))
    theirs = int.from_bytes(_receive(connection, STAMP)) / 1e9
    seconds = time.perf_counter() - began
    return seconds, theirs - (clock + seconds / 2)


def _bandwidth(connection: socket.socket) -> float:
    more, last = bytearray(PIECE), bytes(PIECE)
    more[0] = 1
    sent, began = PIECE, time.perf_counter()
    while sent < LEAST_BYTES and time.perf_counter() - began < WITHIN_S:
        connection.sendall(more)
        sent += PIECE
    connection.sendall(last)
    _receive(connection, 1)
    return sent / (time.perf_counter() - began)


def _stamp(seconds: float) -> bytes:
    return int(seconds * 1e9).to_bytes(STAMP)


def _receive(connection: socket.socket, count: int) -> bytes:
    pieces, left = [], count
    while left:
        piece = connection.recv(left)
        if not piece:
            raise ConnectionError("the other device closed the link")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
