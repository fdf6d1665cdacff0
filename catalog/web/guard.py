"""The one door to the web. What it fetches is bounded in size and time, and no hop leads into a private network.

The name of each hop is resolved once and the connection made to the very address that was checked, so a name server
that answers otherwise the second time changes nothing. Proxies of the environment are not used. TLS checks the name.
"""

import io
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import httpcore
import httpx

from catalog.web.addresses import NotFetched, checked_url, resolve
from contract.problems import gettext_noop

CONNECT_S, READ_S, WHOLE_S = 10, 30, 300
MOST_REDIRECTS = 3
MOST_BYTES = 64 * 2**20
"""of a body, after unpacking"""
REDIRECTS = (301, 302, 303, 307, 308)

Begin = Callable[[int, dict[str, str]], int]
"""(status, headers) → how many bytes of the body are here already, before those that come"""


class Sink(Protocol):
    """What a body is written into: an open file, or what stands before one."""

    def write(self, data: bytes, /) -> int: ...


class NoAnswer(NotFetched):
    """The server did not answer, or broke off: another time it may."""


@dataclass(frozen=True)
class Fetched:
    url: str
    """where it was found in the end"""
    status: int
    headers: dict[str, str]
    """names in small letters"""
    body: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Guard:
    """`hosts`: what an admin allows inside private networks (see `addresses.checked_url`); `agent`: our own name."""

    def __init__(self, hosts: Iterable[str] = (), agent: str = "Fleetune"):
        self._hosts = frozenset(hosts)
        self._agent = agent

    def get(self, url: str, most_bytes: int = MOST_BYTES, before_hop: Callable[[str], None] | None = None) -> Fetched:
        """Fetch into memory. `before_hop(url)` may raise NotFetched for any hop. Raises NotFetched."""
        body = io.BytesIO()
        answer = self.save(url, body, most_bytes, before_hop=before_hop)
        return replace(answer, body=body.getvalue())

    def save(
        self,
        url: str,
        into: Sink,
        most_bytes: int,
        whole_s: float = WHOLE_S,
        before_hop: Callable[[str], None] | None = None,
        headers: dict[str, str] | None = None,
        begin: Begin | None = None,
    ) -> Fetched:
        """Fetch into an open file; answers of any status, redirects followed. `headers`: instead of our own or beside
        them. `begin` hears of the answer before its body. Raises NotFetched.
        """
        deadline = time.monotonic() + whole_s
        for _hop in range(MOST_REDIRECTS + 1):
            here = checked_url(url, self._hosts)
            if before_hop:
                before_hop(str(here))
            with self._asked(here, deadline, self._own() | (headers or {})) as (status, found, chunks):
                if status not in REDIRECTS or "location" not in found:
                    here_already = begin(status, found) if begin else 0
                    _copy(chunks, found, into, most_bytes, here_already)
                    return Fetched(str(here), status, found)
                url = _joined(here, found["location"])
        raise NotFetched(gettext_noop("It redirects more than %(most)s times."), most=MOST_REDIRECTS)

    def once(self, url: str, headers: dict[str, str], most_bytes: int, whole_s: float = WHOLE_S) -> Fetched:
        """One request with headers of the caller's: no redirect is followed, and the body stays as it came.

        Raises NotFetched, of which NoAnswer may be tried again.
        """
        here, body = checked_url(url, self._hosts), io.BytesIO()
        with self._asked(here, time.monotonic() + whole_s, headers) as (status, found, chunks):
            told = {name: value for name, value in found.items() if name != "content-encoding"}
            _copy(chunks, told, body, most_bytes)
            return Fetched(str(here), status, found, body.getvalue())

    def _own(self) -> dict[str, str]:
        return {"User-Agent": self._agent, "Accept": "*/*", "Accept-Encoding": "gzip"}

    @contextmanager
    def _asked(
        self, url: httpx.URL, deadline: float, headers: dict[str, str]
    ) -> Iterator[tuple[int, dict[str, str], Iterator[bytes]]]:
        """A connection for each request: one that stays open would be shared by hosts of one address."""
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        timeouts = {"connect": CONNECT_S, "read": READ_S, "write": READ_S, "pool": CONNECT_S}
        backend = _CheckedBackend(self._hosts, deadline)
        answered = False
        try:
            with (
                httpcore.ConnectionPool(network_backend=backend, max_keepalive_connections=0) as pool,
                pool.stream("GET", target, headers=list(headers.items()), extensions={"timeout": timeouts}) as answer,
            ):
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                answered = True
                yield answer.status, found, iter(answer.iter_stream())
        except httpcore.TimeoutException as error:
            raise NoAnswer(gettext_noop("The server %(host)s answers too slowly."), host=url.host) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            if isinstance(error, httpcore.ProtocolError) and not answered:
                raise NotFetched(gettext_noop("The server %(host)s does not answer in HTTP."), host=url.host) from error
            raise NoAnswer(gettext_noop("No connection to %(host)s, or it broke off."), host=url.host) from error


class _CheckedBackend(httpcore.SyncBackend):
    """Connects to checked addresses only, and to nothing after the deadline."""

    def __init__(self, hosts: frozenset[str], deadline: float):
        self._hosts, self._deadline = hosts, deadline

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError()
        for address in resolve(host, port, self._hosts):
            try:
                seconds = _left(self._deadline, timeout)
                stream = super().connect_tcp(str(address), port, seconds, local_address, socket_options)
                return _TimedStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class _TimedStream(httpcore.NetworkStream):
    """No read takes longer than what is left of the whole: a byte every few seconds would never end."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float):
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context, server_hostname=None, timeout=None) -> httpcore.NetworkStream:
        seconds = _left(self._deadline, timeout)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the whole time is over")
    return left if timeout is None else min(left, timeout)


def _joined(here: httpx.URL, location: str) -> str:
    try:
        return str(here.join(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise NotFetched(gettext_noop("It redirects to what is not an address of the web.")) from error


def _copy(chunks: Iterable[bytes], headers: dict[str, str], into: Sink, most_bytes: int, here: int = 0) -> None:
    """Unpacked, and no byte more than allowed is ever held. `here`: bytes of it that `into` has already."""
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", ""):
        raise NotFetched(gettext_noop("The answer is packed as '%(kind)s', which nobody asked for."), kind=packing[:40])
    told = headers.get("content-length", "")
    if told.isdecimal() and here + int(told[:20]) > most_bytes:
        raise _too_large(most_bytes)
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS) if packing == "gzip" else None
    came = written = here
    for chunk in chunks:
        piece = _inflated(inflater, chunk, most_bytes - written + 1) if inflater else chunk
        came, written = came + len(chunk), written + len(piece)
        if max(came, written) > most_bytes:
            raise _too_large(most_bytes)
        into.write(piece)
    if inflater and not inflater.eof:
        raise NotFetched(gettext_noop("The answer is cut off."))


def _inflated(inflater, chunk: bytes, most_bytes: int) -> bytes:
    try:
        return inflater.decompress(chunk, most_bytes)
    except zlib.error as error:
        raise NotFetched(gettext_noop("The answer is damaged: it does not unpack.")) from error


def _too_large(most_bytes: int) -> NotFetched:
    return NotFetched(gettext_noop("It is larger than %(most)s KiB."), most=most_bytes // 1024)
