"""HTTP calls to the server with the device's credential: one kept connection, standard library only."""

import hashlib
import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from contract.agent_calls import Message

M = TypeVar("M", bound=Message)
BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of one request body; the server refuses more."""
ANSWER_LIMIT = 32 * 1024 * 1024
AWAY = frozenset({408, 425, 429, 500, 502, 503, 504})


class NoAnswer(Exception):
    """The server cannot be reached, or says that it cannot serve now: try again later."""

    def __init__(self, sentence: str, retry_after: float = 0.0):
        super().__init__(sentence)
        self.retry_after = retry_after


class Refused(Exception):
    """The server answered, and said no."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None):
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail, self.headers = status, code, detail, headers or {}

    @property
    def revoked(self) -> bool:
        """The credential is unknown or was taken back: everything of this device stops."""
        return self.status == 401

    @property
    def not_ours(self) -> bool:
        """The attempt is foreign, unknown, or its fence is old: its rank stops."""
        return self.status == 404 or (self.status == 409 and self.code == "stale-fence")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}


class Server:
    """One connection; each thread that talks has its own. `credential` is asked before each call, as it may rotate."""

    def __init__(
        self, address: str, credential: Callable[[], str] | None, timeout: float = 10.0, fingerprint: str = ""
    ):
        self.address = urllib.parse.urlsplit(address)
        if self.address.scheme not in ("http", "https") or not self.address.hostname:
            raise ValueError(f"{address!r} is no address of a server: write http://HOST:PORT or https://HOST")
        self.credential, self.timeout, self.fingerprint = credential, timeout, fingerprint.lower().replace(":", "")
        self.connection: http.client.HTTPConnection | None = None

    def get(self, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        return _object(self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else "")))

    def post(self, path: str, message: Message | bytes) -> dict[str, Any]:
        body = message if isinstance(message, bytes) else message.to_text().encode()
        return _object(self.call("POST", path, body, {"Content-Type": "application/json"}))

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Raises NoAnswer or Refused; every call of the protocol may be repeated, so a stale connection is."""
        with self._response(method, path, body, headers or {}) as response:
            try:
                answer = Answer(response.status, dict(response.headers), response.read(ANSWER_LIMIT))
                if response.read(1):
                    raise NoAnswer("the answer is larger than any of this protocol")
            except (OSError, http.client.HTTPException) as error:
                self.close()
                raise NoAnswer(f"the answer broke off: {error}") from error
        return _accepted(answer)

    @contextmanager
    def stream(self, path: str, first_byte: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """A file from `first_byte` on: the byte at which the answer really begins, and its chunks."""
        headers = {"Range": f"bytes={first_byte}-"} if first_byte else {}
        with self._response("GET", path, None, headers) as response:
            if response.status not in (200, 206):
                _accepted(Answer(response.status, dict(response.headers), response.read(65_536)))
            try:
                yield (first_byte if response.status == 206 else 0), _chunks(response)
            finally:
                self.close()

    def local_address(self) -> str:
        """The address of this host on the way to the server; "" before the first call."""
        socket = getattr(self.connection, "sock", None)
        return socket.getsockname()[0] if socket else ""

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None

    @contextmanager
    def _response(self, method, path, body, headers) -> Iterator[http.client.HTTPResponse]:
        kept = self.connection is not None
        try:
            response = self._ask(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not kept or isinstance(error, TimeoutError):
                raise NoAnswer(f"{self.address.netloc} does not answer: {error}") from error
            try:
                response = self._ask(method, path, body, headers)
            except (OSError, http.client.HTTPException) as again:
                self.close()
                raise NoAnswer(f"{self.address.netloc} does not answer: {again}") from again
        yield response
        if self.connection and not response.isclosed():
            self.close()

    def _ask(self, method, path, body, headers) -> http.client.HTTPResponse:
        if self.connection is None:
            self.connection = self._connect()
        if self.credential:
            headers = {**headers, "Authorization": f"Bearer {self.credential()}"}
        self.connection.request(method, self.address.path.rstrip("/") + path, body=body, headers=headers)
        return self.connection.getresponse()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self.address.hostname or "", self.address.port
        if self.address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self.timeout)
        context = ssl.create_default_context()
        if self.fingerprint:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=self.timeout, context=context)
        connection.connect()
        if self.fingerprint:
            certificate = connection.sock.getpeercert(binary_form=True) or b""
            if hashlib.sha256(certificate).hexdigest() != self.fingerprint:
                connection.close()
                raise ssl.SSLError("the server's certificate is not the one that was pinned")
        return connection


def understood(kind: type[M], body: dict[str, Any]) -> M:
    """The answer as a message. One that lacks parts came from something else than our server: NoAnswer."""
    try:
        return kind.from_json(body)
    except ValueError as error:
        raise NoAnswer(f"the answer is not one of this protocol: {error}") from error


def pause(seconds: float, until: Callable[[], bool]) -> None:
    """Wait, but no longer than until something becomes true (asked each 50 ms)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not until():
        time.sleep(0.05)


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read(1 << 18):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"the file broke off: {error}") from error


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise NoAnswer("the answer is not JSON") from error
    if not isinstance(body, dict):
        raise NoAnswer("the answer is not a JSON object")
    return body


def _accepted(answer: Answer) -> Answer:
    if answer.status < 300:
        return answer
    try:
        body = answer.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    detail = str(body.get("detail", answer.body[:200].decode("utf-8", "replace")))
    if answer.status in AWAY:
        waits = answer.headers.get("Retry-After", "")
        raise NoAnswer(f"the server answers {answer.status}: {detail}", float(waits) if waits.isdigit() else 0.0)
    raise Refused(answer.status, str(body.get("code", "")), detail, answer.headers)
