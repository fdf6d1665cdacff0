"""Long reading: a hundred pages, and ten readers that stopped reading, of a job that brings 1,000 points a second.

    python -m tests.chaos.soak [--seconds 600] [--pages 100] [--stalled 10]

Web server, broker and database are a Fleetune's own; the points come as devices send them.
"""

import argparse
import itertools
import os
import select
import socket
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from tests.jobs.sockets import Page
from tests.pages.many_pages import ManyPages
from tests.pages.site import Site
from tests.waiting import wait_until

POINTS_A_S = 1000
POINTS_A_STEP = 14
"""seven keys of two ranks"""
FEED_S = 0.25
STALLED_S = 120.0
"""The server closes a reader that takes nothing for 30 s, once the buffers between them are full; after this time
another one comes in its place."""
CAUGHT_UP_S = 30
MIB = 2**20


class CountingPage(Page):
    """Keeps no points: of each series that has one a step the last of them, how many came, and how often one was left
    out. What a replay brings once more takes the place of itself on a page, so it counts for nothing here."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[tuple[int, str], int] = {}
        self.taken = self.gaps = self.repeated = 0

    def _take_points(self, message: dict[str, Any]) -> None:
        for series in message["series"]:
            if series["key"].startswith("train/"):
                at = self.at.get((series["rank"], series["key"]), 0)
                new = [step for step in series["steps"] if step > at]
                self.taken += len(new)
                self.repeated += len(series["steps"]) - len(new)
                self.gaps += sum(later > earlier + 1 for earlier, later in itertools.pairwise([at, *new]))
                self.at[series["rank"], series["key"]] = max([at, *new])


class StalledReader:
    """Opens a websocket and never reads from it."""

    def __init__(self, address: str, headers: dict[str, str]):
        place = urlsplit(address)
        self.opened = time.monotonic()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect((place.hostname, place.port))
        asked = {"Host": place.netloc, "Upgrade": "websocket", "Connection": "Upgrade", **headers}
        asked |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        lines = [f"GET {place.path}?after=0 HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def leave(self) -> bool:
        """Whether the server had closed it by then."""
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        closed = bool(poll.poll(0))
        self.socket.close()
        return closed


@dataclass
class Soak:
    """What was seen. `rss`: (seconds since the beginning, bytes of the web process)."""

    points: int = 0
    rss: list[tuple[float, int]] = field(default_factory=list)
    pages: list[CountingPage] = field(default_factory=list)
    dropped: int = 0
    """stalled readers that the server closed"""

    @property
    def gaps(self) -> int:
        return sum(page.gaps for page in self.pages)

    @property
    def repeated(self) -> int:
        return sum(page.repeated for page in self.pages)

    def growth(self, after: float) -> int:
        """Bytes by which the web process was ever larger than `after` seconds from the beginning."""
        later = [size for at, size in self.rss if at >= after]
        return max(later) - later[0]


def soak(home: Path, *, seconds: float, pages: int, stalled: int) -> Soak:
    site, seen = Site(home), Soak()
    try:
        site.start()
        cookie = site.tell("sign_in")
        site.tell("fleet", count=2)
        job = site.tell("job", total_steps=1_000_000)
        address = f"{site.url.replace('http', 'ws', 1)}/ws/jobs/{job}/"
        headers = {"Cookie": f"{cookie['name']}={cookie['value']}", "Origin": site.url}
        with ManyPages(address, headers, [[500.0]] * pages, CountingPage) as readers:
            seen.pages = readers.pages
            wait_until(lambda: all(readers.asked_at), 60, "every page has connected")
            _feed(
                site, job, seconds, seen, [StalledReader(address, headers) for _ in range(stalled)], (address, headers)
            )
            keys = sorted({key for page in readers.pages for _rank, key in page.at})
            stored = site.tell("stored", job=job, keys=keys)
            wait_until(
                lambda: all(page.last == stored["seq"] for page in readers.pages), CAUGHT_UP_S, "all pages have it all"
            )
            taken = {page.taken for page in readers.pages}
            assert taken == {stored["points"]} == {seen.points}, (taken, stored, seen.points, seen.gaps, seen.repeated)
            assert [len(asked) for asked in readers.asked_at] == [1] * pages, "a page that reads was closed"
    finally:
        site.stop()
    return seen


def _feed(
    site: Site, job: int, seconds: float, seen: Soak, stalled: list[StalledReader], place: tuple[str, dict[str, str]]
) -> None:
    web, began = psutil.Process(site.web.pid), time.monotonic()
    steps = round(POINTS_A_S * FEED_S / POINTS_A_STEP)
    for turn in itertools.count(1):
        site.tell("feed", job=job, steps=steps, log=False)
        seen.points += steps * POINTS_A_STEP
        seen.rss.append((time.monotonic() - began, web.memory_info().rss))
        for number, reader in enumerate(stalled):
            if time.monotonic() - reader.opened > STALLED_S:
                seen.dropped += reader.leave()
                stalled[number] = StalledReader(*place)
        if time.monotonic() - began > seconds:
            break
        time.sleep(max(0.0, began + turn * FEED_S - time.monotonic()))
    for reader in stalled:
        reader.leave()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--stalled", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        seen = soak(Path(home), seconds=asked.seconds, pages=asked.pages, stalled=asked.stalled)
    lasted, last = seen.rss[-1]
    print(
        f"{asked.pages} pages and {asked.stalled} stalled readers, {seen.points / lasted:.0f} points a second for "
        f"{lasted:.0f} s: {seen.gaps} gaps, {seen.repeated} points sent once more, {seen.dropped} stalled readers "
        f"dropped; web process {last / MIB:.0f} MiB, grown by {seen.growth(min(60, lasted / 3)) / MIB:.1f} MiB; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
