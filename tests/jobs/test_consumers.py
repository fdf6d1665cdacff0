"""Sockets: what a reader has is what the store has, whatever is lost on the way; nobody reads what they may not."""

import asyncio
import json
import random

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from accounts.models import Membership, Project, Role, User
from contract.events import LogLine
from jobs import ingest, live, withdrawal
from jobs.consumers import socket
from jobs.metrics import read
from jobs.models import Job
from tests.jobs.sockets import Connection, Page
from tests.jobs.store_factories import START_TIME, a_batch, a_stored_job, an_attempt, losses

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(user: User) -> dict[bytes, bytes]:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {b"cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}".encode(), b"origin": b"http://localhost"}


def stored(job: Job) -> dict:
    found: dict = {}
    for rank, key, points in read.exact(read.Wanted(job.pk)):
        found.setdefault((rank, key), {}).update(zip(points.steps.tolist(), points.values.tolist(), strict=True))
    return found


@sync_to_async
def a_running_job():
    job = a_stored_job()
    Membership.objects.create(user=job.owner, project=job.project, role=Role.OPERATOR)
    return job, an_attempt(job, ranks=2), signed_in(job.owner)


async def test_points_state_and_log_arrive_live_and_in_order():
    job, ranks, headers = await a_running_job()
    reader = Page()
    async with Connection(f"/ws/jobs/{job.pk}/", headers) as socket_:
        await reader.read_until(socket_, lambda: reader.state)
        for number in range(1, 21):
            batch = a_batch(number, losses(number * 5, number * 5 + 4), log=[LogLine(START_TIME, "info", f"{number}")])
            await sync_to_async(ingest.store)(ranks[0], [batch])
        await reader.read_until(socket_, lambda: reader.last == 40)
    assert reader.points == await sync_to_async(stored)(job)
    assert [line["text"] for line in reader.lines] == [str(number) for number in range(1, 21)]


async def test_messages_are_merged_to_at_most_ten_a_second():
    job, (rank, _), headers = await a_running_job()
    reader = Page()
    async with Connection(f"/ws/jobs/{job.pk}/", headers) as socket_:
        await reader.read_until(socket_, lambda: reader.state)
        began, before = asyncio.get_running_loop().time(), reader.count
        for number in range(1, 101):
            await sync_to_async(ingest.store)(rank, [a_batch(number, losses(number, number))])
        await reader.read_until(socket_, lambda: reader.last == 100)
        seconds = asyncio.get_running_loop().time() - began
    assert reader.count - before <= 10 * seconds + 2


@pytest.mark.parametrize("after", [0, 3, 9, 17, 40])
async def test_a_replay_from_any_number_ends_at_the_same_points(after, monkeypatch):
    monkeypatch.setattr("jobs.consumers.replay.PAGE_POINTS", 30)
    job, headers, reader = await sync_to_async(a_job_with_a_past)(after)
    async with Connection(f"/ws/jobs/{job.pk}/?after={after}", headers) as socket_:
        await reader.read_until(socket_, lambda: reader.state)
    assert reader.points == await sync_to_async(stored)(job)
    assert [line["text"] for line in reader.lines] == [f"line {number}" for number in range(1, 23)]


def a_job_with_a_past(known_until: int):
    """22 batches over two attempts, sealed and cut; and a reader that heard all up to `known_until` live."""
    job = a_stored_job()
    Membership.objects.create(user=job.owner, project=job.project, role=Role.VIEWER)
    reader, frames = Page(), []
    live_publish, live.publish_frames = live.publish_frames, lambda _job, new: frames.extend(new)
    try:
        (rank,) = an_attempt(job)
        for number in range(1, 13):
            line = LogLine(START_TIME, "info", f"line {number}")
            ingest.store(rank, [a_batch(number, losses(number * 10 - 9, number * 10), log=[line])])
        (rank,) = an_attempt(job, number=2)
        ingest.store(rank, [a_batch(1, losses(91, 95), log=[LogLine(START_TIME, "info", "line 13")])])
        withdrawal.withdraw(job, 90, rank.attempt)
        rank.attempt.resumed_from_step = 90
        rank.attempt.save()
        for number in range(2, 11):
            line = LogLine(START_TIME, "info", f"line {number + 12}")
            ingest.store(rank, [a_batch(number, losses(86 + number * 5, 90 + number * 5), log=[line])])
    finally:
        live.publish_frames = live_publish
    for frame in frames:
        if frame["seq"] <= known_until:
            reader.take(frame)
    reader.state = None
    return job, signed_in(job.owner), reader


async def test_what_the_channel_layer_loses_is_read_from_the_store(monkeypatch):
    job, (rank, _), headers = await a_running_job()
    reader, chance = Page(), random.Random(5)
    layer = get_channel_layer()
    send = layer.group_send

    async def lossy(group, message):
        if chance.random() > 0.4:
            await send(group, message)

    monkeypatch.setattr(layer, "group_send", lossy)
    monkeypatch.setattr(socket, "HEARTBEAT_S", 0.5)
    monkeypatch.setattr("jobs.consumers.job.HEARTBEAT_S", 0.5)
    async with Connection(f"/ws/jobs/{job.pk}/", headers) as socket_:
        await reader.read_until(socket_, lambda: reader.state)
        for number in range(1, 41):
            await sync_to_async(ingest.store)(rank, [a_batch(number, losses(number, number))])
        await reader.read_until(socket_, lambda: reader.last == 40, within=3)
    assert reader.points == await sync_to_async(stored)(job)


@pytest.mark.parametrize(
    "origin", [b"http://evil.example", b"http://localhost:81", b"https://localhost", b"null", None]
)
async def test_a_foreign_origin_is_refused_before_accept(origin):
    """S62"""
    job, _ranks, headers = await a_running_job()
    headers = {name: value for name, value in headers.items() if name != b"origin"}
    connection = Connection(f"/ws/jobs/{job.pk}/", headers | ({b"origin": origin} if origin else {}))
    assert not await connection.opened()


async def close_code(path, headers, text=None):
    connection = Connection(path, headers)
    assert await connection.opened()
    if text is not None:
        await connection.say(text)
    return await connection.close_code()


async def test_who_is_signed_out_gets_4401():
    job, _ranks, _headers = await a_running_job()
    assert await close_code(f"/ws/jobs/{job.pk}/", {b"origin": b"http://localhost"}) == 4401


async def test_a_foreign_job_is_the_same_as_none():
    """S63"""
    job, _ranks, _headers = await a_running_job()
    stranger = await User.objects.acreate(username="stranger")
    other = await Project.objects.acreate(slug="other", name="Other")
    await Membership.objects.acreate(user=stranger, project=other, role=Role.OPERATOR)
    headers = await sync_to_async(signed_in)(stranger)
    assert await close_code(f"/ws/jobs/{job.pk}/", headers) == 4404
    assert await close_code("/ws/jobs/999999/", headers) == 4404
    assert await close_code("/ws/live/", headers, json.dumps({"subscribe": [f"job:{job.pk}"]})) == 4404


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "1&after=2"])
async def test_an_after_that_is_no_number_gets_4400(after):
    job, _ranks, headers = await a_running_job()
    assert await close_code(f"/ws/jobs/{job.pk}/?after={after}", headers) == 4400


@pytest.mark.parametrize(
    ("text", "code"),
    [("{", 4400), ("[" * 50_000, 4400), ('{"type": "x"}', 4400), ('"' + "x" * 66_000 + '"', 1009)],
)
async def test_garbage_closes_the_socket(text, code):
    """S64"""
    job, _ranks, headers = await a_running_job()
    assert await close_code(f"/ws/jobs/{job.pk}/", headers, text) == code


async def test_rights_are_read_again_while_open(monkeypatch):
    """S63"""
    monkeypatch.setattr("jobs.consumers.job.RIGHTS_S", 0.1)
    monkeypatch.setattr("jobs.consumers.job.HEARTBEAT_S", 0.2)
    job, _ranks, headers = await a_running_job()
    connection = Connection(f"/ws/jobs/{job.pk}/", headers)
    assert await connection.opened()
    await connection.hear()
    await Membership.objects.filter(user=job.owner).adelete()
    assert await connection.close_code() == 4403


async def test_signing_out_elsewhere_closes_the_socket(monkeypatch):
    """S08"""
    monkeypatch.setattr("jobs.consumers.job.RIGHTS_S", 0.1)
    monkeypatch.setattr("jobs.consumers.job.HEARTBEAT_S", 0.2)
    job, _ranks, headers = await a_running_job()
    connection = Connection(f"/ws/jobs/{job.pk}/", headers)
    assert await connection.opened()
    await connection.hear()
    key = headers[b"cookie"].decode().partition("=")[2]
    await sync_to_async(SessionStore(key).delete)()
    assert await connection.close_code() == 4401


async def test_a_topic_is_sent_at_once_and_when_it_changes():
    job, _ranks, headers = await a_running_job()
    async with Connection("/ws/live/", headers) as socket_:
        await socket_.say(json.dumps({"subscribe": ["fleet", "queue", f"job:{job.pk}"]}))
        seen = [await socket_.hear() for _ in range(4)]
        assert {message["type"] for message in seen} == {"heartbeat", "fleet", "queue", "job"}
        await Job.objects.filter(pk=job.pk).aupdate(name="renamed")
        await sync_to_async(live.publish_state)(job.pk)
        while (message := await socket_.hear())["type"] != "job":
            pass
        assert message["job"]["name"] == "renamed"


async def test_a_socket_works_while_the_broker_is_away(monkeypatch):
    """F20: the store is read at each heartbeat instead."""

    async def away(*_arguments):
        raise ConnectionRefusedError

    for name in ("new_channel", "group_send"):
        monkeypatch.setattr(get_channel_layer(), name, away)
    monkeypatch.setattr("jobs.consumers.job.HEARTBEAT_S", 0.2)
    job, (rank, _), headers = await a_running_job()
    reader = Page()
    async with Connection(f"/ws/jobs/{job.pk}/", headers) as socket_:
        await reader.read_until(socket_, lambda: reader.state)
        await sync_to_async(ingest.store)(rank, [a_batch(1, losses(1, 5))])
        await reader.read_until(socket_, lambda: reader.last == 1)
    assert reader.points == await sync_to_async(stored)(job)
