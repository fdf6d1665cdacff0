"""A websocket client that speaks to the ASGI application itself, and a reader that keeps what messages say."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from asgiref.testing import ApplicationCommunicator

from config.asgi import application

WAIT_S = 5.0


def scope_of(path: str, headers: dict[bytes, bytes]) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "type": "websocket",
        "scheme": "ws",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), *headers.items()],
        "subprotocols": [],
    }


@asynccontextmanager
async def sending_to(send: Callable[[dict[str, Any]], Awaitable[None]], path: str, headers: dict[bytes, bytes]):
    """A websocket whose every message goes through `send`, which may take its time."""
    came: asyncio.Queue = asyncio.Queue()
    came.put_nowait({"type": "websocket.connect"})
    running = asyncio.create_task(application(scope_of(path, headers), came.get, send))
    yield
    came.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await asyncio.wait_for(running, WAIT_S)


class Connection(ApplicationCommunicator):
    """One websocket, opened by `connected`."""

    def __init__(self, path: str, headers: dict[bytes, bytes]):
        super().__init__(application, scope_of(path, headers))

    async def opened(self) -> bool:
        """Whether the server accepts."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(WAIT_S))["type"] == "websocket.accept"

    async def say(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hear(self) -> dict[str, Any]:
        return json.loads((await self.receive_output(WAIT_S))["text"])

    async def close_code(self) -> int:
        """The code with which the server closes, after whatever else it says."""
        while (event := await self.receive_output(WAIT_S))["type"] != "websocket.close":
            pass
        return event["code"]

    async def __aenter__(self) -> "Connection":
        assert await self.opened(), "not accepted"
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(WAIT_S)


class Page:
    """Takes messages in order and keeps what they say, by the rules of `jobs.frames`."""

    def __init__(self) -> None:
        self.points: dict[tuple[int, str], dict[int, float]] = {}
        self.lines: list[dict[str, Any]] = []
        self.state: dict[str, Any] | None = None
        self.last = 0
        self.count = 0

    def take(self, message: dict[str, Any]) -> None:
        self.count += 1
        getattr(self, f"_take_{message['type']}")(message)
        self.last = max(self.last, message["seq"])

    async def read_until(self, connection: Connection, done, within: float = WAIT_S) -> None:
        async with asyncio.timeout(within):
            while not done():
                self.take(await connection.hear())

    def _take_points(self, message: dict[str, Any]) -> None:
        for series in message["series"]:
            known = self.points.setdefault((series["rank"], series["key"]), {})
            known.update(zip(series["steps"], series["values"], strict=True))

    def _take_withdrawn(self, message: dict[str, Any]) -> None:
        last = message["step"]
        self.points = {
            name: {step: value for step, value in series.items() if step <= last}
            for name, series in self.points.items()
        }

    def _take_log(self, message: dict[str, Any]) -> None:
        had = max((line["seq"] for line in self.lines), default=0)
        self.lines += [line for line in message["lines"] if line["seq"] > had]

    def _take_state(self, message: dict[str, Any]) -> None:
        self.state = message["job"]

    def _take_heartbeat(self, _message: dict[str, Any]) -> None:
        """Only its number counts."""
