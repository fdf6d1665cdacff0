"""What readers are told, after the commit: one message to a group of the channel layer. The database has it already,
so a message that is lost costs a reader a moment, never a point.

Groups: `job.<id>` (frames of a job's socket), `row.<id>` (its row on other pages), `live.queue`, `live.fleet`.
"""

import asyncio
import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.utils import translation
from redis.exceptions import RedisError

from jobs import queries
from jobs.frames import Message
from jobs.models import Job

logger = logging.getLogger(__name__)
PUBLISH_S = 1.0
"""A publish never holds up its caller for longer."""


def publish_frames(job_id: int, frames: list[Message]) -> None:
    """Frames of a job, in order of their `seq`; lists that show the job hear that its row has news."""
    if frames:
        row = (f"row.{job_id}", {"type": "live.row", "job": job_id})
        _send([(f"job.{job_id}", {"type": "job.frames", "frames": frames}), row])


def publish_state(job_id: int, seq: int | None = None) -> None:
    """How a job stands now. `seq` is the number that the change took; without it readers find out what they miss."""
    job = queries.with_parts(Job.objects.filter(pk=job_id)).first()
    if job is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        state = queries.job_json(job)
    _send(
        [
            (f"job.{job_id}", {"type": "job.state", "seq": seq, "job": state}),
            (f"row.{job_id}", {"type": "live.row", "job": job_id}),
            ("live.queue", {"type": "live.queue"}),
        ]
    )


def publish_fleet() -> None:
    """Devices, their readings or what holds them changed: readers ask for the fleet again."""
    _send([("live.fleet", {"type": "live.fleet"})])


def publish_queue() -> None:
    _send([("live.queue", {"type": "live.queue"})])


def _send(messages: list[tuple[str, dict[str, Any]]]) -> None:
    try:
        async_to_sync(_send_all)(messages)
    except (RedisError, OSError, TimeoutError) as error:
        logger.warning("live readers were not told (they look again within 5 s): %s", error)


async def _send_all(messages: list[tuple[str, dict[str, Any]]]) -> None:
    layer = get_channel_layer()
    async with asyncio.timeout(PUBLISH_S):
        for group, message in messages:
            await layer.group_send(group, message)
