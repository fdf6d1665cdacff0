"""What a socket hears from the channel layer. A broker that is away costs it only speed: it tries again later."""

import asyncio
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

JOIN_S = 1.0
AWAY = (RedisError, OSError, TimeoutError)


class Ear:
    """Groups that a socket belongs to, and a task that hands on what comes. `hear` must not wait."""

    def __init__(self, hear: Callable[[dict[str, Any]], None]):
        self.hear = hear
        self.layer = get_channel_layer()
        self.channel = ""
        self.wanted: set[str] = set()
        self.joined: set[str] = set()
        self.task: asyncio.Task | None = None

    async def join(self, *groups: str) -> bool:
        """Join these groups, and those that could not be joined before; False while the broker is away."""
        self.wanted |= set(groups)
        try:
            async with asyncio.timeout(JOIN_S):
                if not self.channel:
                    self.channel = await self.layer.new_channel()
                    self.task = asyncio.create_task(self._listen())
                for group in sorted(self.wanted - self.joined):
                    await self.layer.group_add(group, self.channel)
                    self.joined.add(group)
        except AWAY:
            return False
        return True

    async def leave(self) -> None:
        try:
            async with asyncio.timeout(JOIN_S):
                for group in self.joined:
                    await self.layer.group_discard(group, self.channel)
        except AWAY:
            pass
        finally:
            self.joined = set()
            if self.task is not None:
                self.task.cancel()
                await asyncio.gather(self.task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            self.hear(await self.layer.receive(self.channel))
