"""`/ws/live/`: what every page but a job's own follows. The client names topics: `{"subscribe": ["fleet", "job:3"]}`.

A topic is sent once when it is subscribed and again when it changes, at most twice a second, always whole: a message
replaces the one before, so a lost one costs nothing.
"""

import asyncio
import time
from typing import Any

from accounts.permissions import visible
from devices import queries as device_queries
from jobs import queries, waiting
from jobs.consumers.gate import Reader
from jobs.consumers.socket import BAD_MESSAGE, HEARTBEAT_S, NOT_THERE, RIGHTS_S, Refused, Socket
from jobs.models import Job

CHANGES_EVERY_S = 0.5
MAX_TOPICS = 64
LOOK_AGAIN_S = 15.0
"""All topics are sent again after so long, whatever the channel layer brought or lost."""


class LiveConsumer(Socket):
    async def open(self) -> None:
        self.topics: set[str] = set()
        self.changed: set[str] = set()
        self.told: set[str] = set()
        self.wake = asyncio.Event()

    async def hear(self, message: Any) -> None:
        wanted = message.get("subscribe") if isinstance(message, dict) else None
        if not isinstance(wanted, list) or not all(isinstance(topic, str) for topic in wanted):
            raise Refused(BAD_MESSAGE, 'send {"subscribe": ["fleet"]}')
        topics = set(wanted)
        if len(topics) > MAX_TOPICS:
            raise Refused(BAD_MESSAGE, f"at most {MAX_TOPICS} topics")
        await self.let_in()
        groups = {_group(topic) for topic in topics}
        if None in groups:
            raise Refused(BAD_MESSAGE, "unknown topic")
        await self.join(*filter(None, groups))
        self.topics = topics
        self.changed |= topics
        self.wake.set()

    async def run(self) -> None:
        beat_at = again_at = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= beat_at:
                await self._beat(now)
                beat_at = now + HEARTBEAT_S
            if now >= again_at:
                self.changed |= self.topics
                again_at = now + LOOK_AGAIN_S
            changed, self.changed = self.changed & self.topics, set()
            self.wake.clear()
            for topic in sorted(changed):
                await self._tell(topic)
            await asyncio.sleep(CHANGES_EVERY_S if changed else 0)
            await self._wait(min(beat_at, again_at))

    async def _tell(self, topic: str) -> None:
        """Send a topic. What was there and is gone since (a removed job) is left out, without ending the rest."""
        try:
            message = await self.look_up(_message, self.reader, topic)
        except Refused:
            if topic not in self.told:
                raise
            self.topics.discard(topic)
            return
        self.told.add(topic)
        await self.write(message)

    def notice(self, event: dict[str, Any]) -> None:
        if event["type"] == "live.fleet":
            changed = {topic for topic in self.topics if topic == "fleet" or topic.startswith("device:")}
        else:
            changed = {"queue"} if event["type"] == "live.queue" else {f"job:{event['job']}"}
        self.changed |= changed
        self.wake.set()

    async def _beat(self, now: float) -> None:
        if now - self.rights_read_at >= RIGHTS_S:
            await self.let_in()
        await self.join()
        await self.write({"type": "heartbeat"})

    async def _wait(self, until: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self.wake.wait()
        except TimeoutError:
            return


def _group(topic: str) -> str | None:
    """The group that says when a topic changes; None for what is no topic."""
    kind, _colon, name = topic.partition(":")
    if topic == "queue":
        return "live.queue"
    if topic == "fleet" or (kind == "device" and name):
        return "live.fleet"
    if kind == "job" and name.isascii() and name.isdecimal() and len(name) <= 18:
        return f"row.{name}"
    return None


def _message(reader: Reader, topic: str) -> dict[str, Any]:
    """A topic as its reader may see it now. Raises Refused(NOT_THERE) for what they may not see, or is gone."""
    kind, _colon, name = topic.partition(":")
    if kind == "fleet":
        return {"type": "fleet", "devices": device_queries.fleet(reader.user)}
    if kind == "queue":
        return {"type": "queue", **waiting.queue_json(reader.user)}
    if kind == "device":
        device = device_queries.devices_of(reader.user).filter(slug=name).first()
        if device is None:
            raise Refused(NOT_THERE)
        return {"type": "device", "device": device_queries.device_json(device)}
    job = visible(reader.user, queries.with_parts(Job.objects.filter(pk=int(name), removed_at=None))).first()
    if job is None:
        raise Refused(NOT_THERE)
    return {"type": "job", "job": queries.job_row(job)}
