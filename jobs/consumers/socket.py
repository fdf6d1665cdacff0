"""What both kinds of socket share: the door, bounds on what comes in, one task that writes out."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.utils import await_many_dispatch
from django.db import close_old_connections
from django.utils import translation

from jobs.consumers import gate
from jobs.consumers.ear import Ear

MESSAGES_PER_S = 20
MAX_MESSAGE = 64 * 1024
STALLED_S = 30.0
"""A reader that takes nothing for so long is closed with 4408."""
HEARTBEAT_S = 5.0
RIGHTS_S = 15.0
"""Rights are read again after so many seconds (security promise: 30)."""
BAD_MESSAGE, SIGNED_OUT, NOT_ALLOWED, NOT_THERE, TOO_SLOW = 4400, 4401, 4403, 4404, 4408
TOO_MANY, TOO_LARGE = 1008, 1009

_database_threads = ThreadPoolExecutor(4, thread_name_prefix="sockets")


class Refused(Exception):
    """Close the socket with `code`."""

    def __init__(self, code: int, why: str = ""):
        self.code, self.why = code, why
        super().__init__(f"{code} {why}")


async def in_database(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run `function` in one of a few threads, each with a database connection of its own."""

    def call() -> Any:
        close_old_connections()
        try:
            return function(*arguments)
        finally:
            close_old_connections()

    return await sync_to_async(call, thread_sensitive=False, executor=_database_threads)()


class Socket(AsyncWebsocketConsumer):
    """A socket of a reader who was let in. Subclasses open it, write in `run`, and read `hear`."""

    reader: gate.Reader
    ear: Ear | None = None
    task: asyncio.Task | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """As the base class does, but without a channel of its own: a socket opens while the broker is away, too."""
        self.scope, self.base_send = scope, send
        try:
            await await_many_dispatch([receive], self.dispatch)
        except StopConsumer:
            return

    async def connect(self) -> None:
        if not gate.origin_fits(self.scope):
            await self.close()
            return
        await self.accept()
        self.came: deque[float] = deque(maxlen=MESSAGES_PER_S)
        self.ear = Ear(self.notice)
        try:
            await self.let_in()
            await self.open()
        except Refused as refused:
            await self.close(refused.code, refused.why)
            return
        self.task = asyncio.create_task(self._run())

    async def join(self, *groups: str) -> None:
        """Listen to these groups of the channel layer, and try again those that it could not join before."""
        if self.ear is not None:
            await self.ear.join(*groups)

    async def look_up(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """`in_database`, in the reader's language."""

        def speak() -> Any:
            with translation.override(self.reader.language):
                return function(*arguments)

        return await in_database(speak)

    async def let_in(self) -> None:
        """Read again who this is. Raises Refused(SIGNED_OUT)."""
        reader = await in_database(gate.reader_of, self.scope)
        if reader is None:
            raise Refused(SIGNED_OUT)
        self.reader, self.rights_read_at = reader, time.monotonic()

    async def open(self) -> None:
        """Look up what is asked for and join its groups. Raises Refused."""

    async def run(self) -> None:
        """Write until cancelled. Raises Refused to close."""
        raise NotImplementedError

    async def hear(self, message: Any) -> None:
        """A JSON message of the client. Raises Refused."""

    def notice(self, event: dict[str, Any]) -> None:
        """A message of the channel layer. Never waits for the socket."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            await self.hear(self._checked(text_data))
        except Refused as refused:
            await self.close(refused.code, refused.why)

    def _checked(self, text: str | None) -> Any:
        now = time.monotonic()
        if len(self.came) == MESSAGES_PER_S and now - self.came[0] < 1:
            raise Refused(TOO_MANY)
        self.came.append(now)
        if text is None:
            raise Refused(BAD_MESSAGE, "expected text")
        if len(text) > MAX_MESSAGE:
            raise Refused(TOO_LARGE)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise Refused(BAD_MESSAGE, "expected JSON") from None

    async def write(self, message: dict[str, Any]) -> None:
        """Send one message; waits while the reader's connection is full."""
        try:
            async with asyncio.timeout(STALLED_S):
                await self.send(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
        except TimeoutError:
            raise Refused(TOO_SLOW) from None

    async def disconnect(self, code: int) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        if self.ear is not None:
            await self.ear.leave()

    async def _run(self) -> None:
        try:
            await self.run()
        except Refused as refused:
            await self._end(self.close(refused.code, refused.why))

    async def _end(self, closing: Awaitable[None]) -> None:
        """Say goodbye: the code waits for room in the connection. A reader that makes none is cut off by the ping."""
        try:
            async with asyncio.timeout(STALLED_S):
                await closing
        except TimeoutError:
            return
