"""A real site on loopback for tests: its pages are a dictionary, and it writes down who asked for what."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Page = str | bytes | tuple[int, dict[str, str], bytes] | Callable[["Handler"], None]
TYPES = {"html": "text/html; charset=utf-8", "png": "image/png", "jpg": "image/jpeg", "txt": "text/plain"}


@dataclass
class Site:
    pages: dict[str, Page]
    port: int = 0
    log: list[tuple[float, str]] = field(default_factory=list)
    """(monotonic time, path with query) of every request"""
    agents: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [path for _at, path in self.log]


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        self.site.log.append((time.monotonic(), self.path))
        self.site.agents.add(self.headers.get("User-Agent", ""))
        page = self.site.pages.get(self.path, (404, {}, b"There is nothing here."))
        if callable(page):
            page(self)
            return
        if isinstance(page, str | bytes):
            body = page.encode() if isinstance(page, str) else page
            page = (200, {"Content-Type": TYPES.get(self.path.rpartition(".")[2], TYPES["html"])}, body)
        self.answer(*page)

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args) -> None:
        """Not to standard error."""


@contextmanager
def site(pages: dict[str, Page], port: int = 0) -> Iterator[Site]:
    served = Site(pages)
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"site": served}))
    server.daemon_threads = True
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
