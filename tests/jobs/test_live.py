"""Telling readers: merged in order, bounded for whoever does not read, never in the way of the work itself."""

import asyncio
import json
import time

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from hypothesis import given
from hypothesis import strategies as st

from jobs import ingest, live
from jobs.consumers.outbox import MAX_FRAMES, Outbox
from jobs.frames import log_frame, merged, points_frame, state_frame, withdrawn_frame
from tests.jobs.sockets import Page, sending_to
from tests.jobs.store_factories import a_batch, a_stored_job, losses
from tests.jobs.test_consumers import a_running_job, stored


def series(*steps):
    return [
        {"key": "k", "rank": 0, "steps": list(steps), "values": [float(s) for s in steps], "times": ["t"] * len(steps)}
    ]


def a_frame_of(kind, seq):
    if kind == "points":
        return points_frame(seq, series(seq))
    if kind == "log":
        return log_frame(seq, [{"seq": seq, "rank": 0, "time": 0.0, "level": "info", "text": str(seq)}])
    return withdrawn_frame(seq, seq // 2) if kind == "withdrawn" else state_frame(seq, {"seq": seq})


KINDS = st.lists(st.sampled_from(["points", "log", "state", "withdrawn"]), min_size=1, max_size=20)


@given(KINDS, st.integers(0, 40))
def test_a_reader_that_is_cut_anywhere_and_goes_on_has_everything_once(kinds, cut):
    frames = [a_frame_of(kind, seq) for seq, kind in enumerate(kinds, 1)]
    plain = Page()
    for frame in frames:
        plain.take(frame)
    page = Page()
    for message in merged(frames, 0, len(frames))[:cut]:
        assert message["first_seq"] == page.last + 1
        page.take(message)
    for message in merged([frame for frame in frames if frame["seq"] > page.last], page.last, len(frames)):
        page.take(message)
    assert page.points == plain.points
    assert [line["text"] for line in page.lines] == [line["text"] for line in plain.lines]
    assert page.last == len(frames)


@given(KINDS)
def test_there_is_one_message_of_a_type_between_withdrawals(kinds):
    messages = merged([a_frame_of(kind, seq) for seq, kind in enumerate(kinds, 1)], 0, len(kinds))
    assert len(messages) <= 4 * kinds.count("withdrawn") + 3
    assert messages[-1]["seq"] == len(kinds)


@given(st.permutations(range(1, 9)))
def test_frames_that_come_in_another_order_are_taken_in_theirs(order):
    outbox, reached, taken = Outbox(), 0, []
    for seq in order:
        outbox.put(points_frame(seq, series(seq)))
        frames, reached = outbox.take_after(reached)
        taken += [frame["seq"] for frame in frames]
    assert taken == list(range(1, 9))


def test_an_outbox_that_nobody_empties_stays_small_and_remembers_the_gap():
    """F49"""
    outbox = Outbox()
    for seq in range(1, 10 * MAX_FRAMES):
        outbox.put(points_frame(seq, series(seq)))
        assert len(outbox.frames) <= MAX_FRAMES
    assert outbox.gap
    big = Outbox()
    big.put(points_frame(1, series(*range(30_000))))
    assert big.gap
    assert not big.frames


@pytest.mark.django_db
def test_a_broker_that_is_away_or_hangs_does_not_hold_up_the_work(monkeypatch):
    async def hangs(_group, _message):
        await asyncio.Event().wait()

    monkeypatch.setattr(live, "PUBLISH_S", 0.1)
    monkeypatch.setattr(get_channel_layer(), "group_send", hangs)
    job = a_stored_job()
    began = time.monotonic()
    live.publish_state(job.pk)
    live.publish_fleet()
    assert time.monotonic() - began < 2


@pytest.mark.django_db(transaction=True)
async def test_a_reader_that_stops_reading_is_closed(monkeypatch):
    """F49"""
    monkeypatch.setattr("jobs.consumers.socket.STALLED_S", 0.5)
    job, (rank, _), headers = await a_running_job()
    sent, codes = [], asyncio.Queue()

    async def send(message):
        sent.append(message)
        if message["type"] == "websocket.close":
            codes.put_nowait(message["code"])
        elif len(sent) == 3:
            await asyncio.Event().wait()

    async with sending_to(send, f"/ws/jobs/{job.pk}/", headers):
        for number in range(1, 20):
            await sync_to_async(ingest.store)(rank, [a_batch(number, losses(number, number))])
        assert await asyncio.wait_for(codes.get(), 5) == 4408


@pytest.mark.django_db(transaction=True)
async def test_a_reader_that_pauses_gets_the_rest_from_the_store(monkeypatch):
    """F49: what did not fit into the outbox was dropped, and is read again."""
    monkeypatch.setattr("jobs.consumers.outbox.MAX_FRAMES", 5)
    job, (rank, _), headers = await a_running_job()
    page, paused, begun, ended = Page(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def send(message):
        if message["type"] == "websocket.send":
            page.take(json.loads(message["text"]))
            begun.set()
            if page.last == 30:
                ended.set()
            elif page.last:
                await paused.wait()

    async with sending_to(send, f"/ws/jobs/{job.pk}/", headers):
        await asyncio.wait_for(begun.wait(), 5)
        for number in range(1, 31):
            await sync_to_async(ingest.store)(rank, [a_batch(number, losses(number, number))])
        paused.set()
        await asyncio.wait_for(ended.wait(), 5)
    assert page.points == await sync_to_async(stored)(job)
