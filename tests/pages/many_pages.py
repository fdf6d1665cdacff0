"""A hundred pages of one job that lose their server and come back as the product's own pages would: real websockets
in one thread, which wait what `live-socket.js` says."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.jobs.sockets import Page

P = TypeVar("P", bound=Page)


class StrictPage(Page):
    """Counts points that came a second time."""

    doubles = 0

    def _take_points(self, message: dict[str, Any]) -> None:
        for series in message["series"]:
            known = self.points.get((series["rank"], series["key"]), {})
            self.doubles += len(known.keys() & set(series["steps"]))
        super()._take_points(message)


class ManyPages(Generic[P]):
    """Use as a context. `waits[page]`: milliseconds before its 1st, 2nd, … try after its socket was lost."""

    def __init__(
        self,
        address: str,
        headers: dict[str, str],
        waits: Sequence[Sequence[float]],
        page: Callable[[], P] = StrictPage,  # type: ignore[assignment]
    ):
        self.address, self.headers, self.waits = address, headers, waits
        self.pages = [page() for _ in waits]
        self.asked_at: list[list[float]] = [[] for _ in waits]
        """of each page: when it began each connection that was taken (monotonic)"""
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)

    def __enter__(self) -> "ManyPages[P]":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join(30)

    def have(self, stored: dict[str, int], keys: Sequence[str]) -> bool:
        """Whether every page is at this `seq` and holds so many `points` of these keys."""

        def held(page: Page) -> int:
            return sum(len(series) for (_rank, key), series in page.points.items() if key in keys)

        return all(page.last == stored["seq"] and held(page) == stored["points"] for page in self.pages)

    def most_in_a_second(self, since: float) -> int:
        """The most connections of any one second from then on."""
        asked = sorted(moment for of_page in self.asked_at for moment in of_page if moment >= since)
        return max(sum(first <= moment < first + 1 for moment in asked) for first in asked)

    async def _live(self) -> None:
        tasks = [asyncio.create_task(self._live_as(number)) for number in range(len(self.pages))]
        while not self._over.is_set():
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _live_as(self, number: int) -> None:
        page, failures = self.pages[number], 0
        while True:
            asked = time.monotonic()
            try:
                async with connect(f"{self.address}?after={page.last}", additional_headers=self.headers) as socket:
                    failures = 0
                    self.asked_at[number].append(asked)
                    async for text in socket:
                        page.take(json.loads(text))
            except (OSError, WebSocketException):
                pass
            failures += 1
            waits = self.waits[number]
            await asyncio.sleep(waits[min(failures, len(waits)) - 1] / 1000)
