"""`/ws/jobs/<id>/`: one job live. The order for a reader who was away: join the group, replay what was missed, go on.

What the channel layer brings is a shortcut; the store has it all. Whenever numbers are missing (a lost message, a full
outbox, a broker that is away) the socket reads on from the last number that it sent.
"""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from accounts.permissions import may, visible
from jobs import queries
from jobs.consumers.outbox import Outbox
from jobs.consumers.replay import Changed, Replay
from jobs.consumers.socket import (
    BAD_MESSAGE,
    HEARTBEAT_S,
    NOT_ALLOWED,
    NOT_THERE,
    RIGHTS_S,
    Refused,
    Socket,
    in_database,
)
from jobs.frames import Message, merged, state_frame
from jobs.models import Job

MESSAGE_EVERY_S = 0.1
"""At most ten messages a second to a page, merged."""
GAP_S = 0.25
"""How long a missing number may be late before it is read from the store."""


class JobConsumer(Socket):
    async def open(self) -> None:
        self.job_id = int(self.scope["url_route"]["kwargs"]["job"])
        self.after = _after(self.scope["query_string"])
        await self._allow(NOT_THERE)
        self.outbox, self.wake = Outbox(), asyncio.Event()
        self.state: dict[str, Any] | None = None
        self.known = 0
        self.missing_since: float | None = None
        await self.join(f"job.{self.job_id}")

    async def run(self) -> None:
        self.last = await in_database(_seq_of, self.job_id) if self.after is None else self.after
        await self._catch_up()
        next_heartbeat = time.monotonic() + HEARTBEAT_S
        while True:
            sent = await self._flush()
            await asyncio.sleep(MESSAGE_EVERY_S * max(1, sent))
            now = time.monotonic()
            if now >= next_heartbeat:
                await self._beat(now)
                next_heartbeat = now + HEARTBEAT_S
            await self._wait(next_heartbeat)

    async def hear(self, message: Any) -> None:
        if not isinstance(message, dict) or message.get("type") != "ping":
            raise Refused(BAD_MESSAGE, "this socket understands only ping")
        await self.write({"type": "heartbeat", "seq": getattr(self, "last", 0)})

    def notice(self, event: dict[str, Any]) -> None:
        if event["type"] == "job.state":
            self._take_state(event)
        else:
            for frame in event["frames"]:
                self._take(frame)

    def _take_state(self, event: dict[str, Any]) -> None:
        if self.state is None or event["job"]["seq"] >= self.state["seq"]:
            self.state = event["job"]
        self.known = max(self.known, event["job"]["seq"])
        if event["seq"] is not None:
            self._take(state_frame(event["seq"], {}))
        self.wake.set()

    def _take(self, frame: Message) -> None:
        self.known = max(self.known, frame["seq"])
        self.outbox.put(frame)
        self.wake.set()

    async def _flush(self) -> int:
        """Send what follows without a gap, and the newest state; how many messages that took."""
        self.wake.clear()
        frames, until = self.outbox.take_after(self.last)
        state, self.state = self.state, None
        if state is not None:
            frames.append(state_frame(until + 1, await self._translated(state)))
        frames = [frame for frame in frames if frame["type"] != "state" or frame["job"]]
        messages = merged(frames, self.last, until)
        for message in messages:
            await self.write(message)
            self.last = message["seq"]
        self.last = max(self.last, until)
        await self._mend()
        return len(messages)

    async def _translated(self, state: dict[str, Any]) -> dict[str, Any]:
        """Published states speak the server's language; a reader of another one gets the job anew."""
        if self.reader.language == settings.LANGUAGE_CODE:
            return state
        return await self.look_up(_state_of, self.job_id) or state

    async def _mend(self) -> None:
        """Read from the store what does not come by itself."""
        if self.known <= self.last and not self.outbox.gap:
            self.missing_since = None
            return
        now = time.monotonic()
        self.missing_since = self.missing_since or now
        if self.outbox.gap or now - self.missing_since >= GAP_S:
            await self._catch_up()

    async def _catch_up(self) -> None:
        self.outbox.gap, self.missing_since = False, None
        while True:
            replay = await self.look_up(Replay.of, self.job_id, self.last)
            if replay is None:
                raise Refused(NOT_THERE)
            try:
                await self._send_pages(replay)
                break
            except Changed:
                continue
        if self.outbox.frames:
            self.wake.set()

    async def _send_pages(self, replay: Replay) -> None:
        pages = replay.pages()
        while (page := await in_database(next, pages, None)) is not None:
            for message in page:
                await self.write(message)
                self.last = message["seq"]
        self.known = max(self.known, self.last)

    async def _beat(self, now: float) -> None:
        if now - self.rights_read_at >= RIGHTS_S:
            await self.let_in()
            await self._allow(NOT_ALLOWED)
        await self.join()
        self.known = max(self.known, await in_database(_seq_of, self.job_id))
        await self._mend()
        await self.write({"type": "heartbeat", "seq": self.last})

    async def _wait(self, until: float) -> None:
        """Until something comes, a missing number is overdue, or the next heartbeat."""
        if self.missing_since is not None:
            until = min(until, self.missing_since + GAP_S)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self.wake.wait()
        except TimeoutError:
            return

    async def _allow(self, code: int) -> None:
        if not await in_database(_may_see, self.reader, self.job_id):
            raise Refused(code)


def _after(query: bytes) -> int | None:
    """The `seq` from which to replay. Raises Refused for what cannot be one."""
    values = parse_qs(query.decode("latin-1")).get("after", [])
    if not values:
        return None
    text = values[0]
    if len(values) > 1 or not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Refused(BAD_MESSAGE, "after is a whole number from 0")
    return int(text)


def _may_see(reader: Any, job_id: int) -> bool:
    job = visible(reader.user, Job.objects.filter(removed_at=None)).filter(pk=job_id).select_related("project").first()
    return job is not None and may(reader.user, "see", job, token=reader.token)


def _state_of(job_id: int) -> dict[str, Any] | None:
    job = queries.with_parts(Job.objects.filter(pk=job_id)).first()
    return queries.job_json(job) if job else None


def _seq_of(job_id: int) -> int:
    return Job.objects.values_list("seq", flat=True).get(pk=job_id)
