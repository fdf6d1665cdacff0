"""The worker pinned to a device, on the embedded broker, with a device's own rights."""

import time

import pytest
import redis

from agent.device_home import Device
from agent.doorbell import Bell, Listener
from tests.agent.broker import PREFIX, running_broker
from tests.agent.stage import Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def broker(tmp_path):
    with running_broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def listening(broker):
    """A bell that the worker of device 7 rings."""
    bell = Bell()
    device = Device("http://127.0.0.1:1", 7, "stage", "device.7", broker.device_url, PREFIX, host="stage")
    listener = Listener(device, bell)
    listener.ensure()
    yield bell, listener
    assert listener.stop()


def test_a_ring_wakes_the_agent_at_once(broker, listening):
    bell, _ = listening
    broker.ring(v=1, job=5, attempt=11)
    assert bell.wait(10), "the first ring"
    began = time.monotonic()
    broker.ring(v=1, job=5, attempt=11)
    assert bell.wait(5)
    assert time.monotonic() - began < 1.5
    assert abs(bell.last_ring - time.time()) < 2


def test_what_is_no_doorbell_is_dropped_and_the_worker_lives_on(broker, listening, caplog):
    """S23"""
    bell, _ = listening
    broker.ring(task="os.system", v=1)
    broker.ring(v=1, job="11; rm -rf /")
    broker.ring(v=1, job=5, command="stop")
    broker.ring(serializer="yaml", v=1)
    assert not bell.wait(1.0)
    assert bell.last_ring == 0
    broker.ring(v=1, job=5)
    assert bell.wait(10)


def test_the_worker_hears_again_after_the_broker_was_away(broker, listening):
    bell, _ = listening
    broker.ring(v=1, job=5)
    assert bell.wait(10)
    broker.stop()
    broker.start()

    def heard() -> bool:
        broker.ring(v=1, job=6)
        return bell.wait(1)

    assert wait_until(heard, within=20)


def test_the_worker_hears_again_after_its_connection_was_cut_three_times(broker, listening):
    bell, _ = listening
    broker.ring(v=1, job=5)
    assert bell.wait(10)
    client = redis.Redis.from_url(broker.url)
    for _ in range(3):
        wait_until(lambda: client.execute_command("CLIENT", "KILL", "USER", "device-7"), within=10)
    broker.ring(v=1, job=6)
    assert bell.wait(15)


def test_a_worker_that_was_stopped_can_be_started_again(broker, listening):
    bell, listener = listening
    broker.ring(v=1, job=5)
    assert bell.wait(10)
    assert listener.stop()
    listener.ensure()
    broker.ring(v=1, job=6)
    assert bell.wait(10)


def test_a_doorbell_that_comes_a_hundred_times_starts_one_rank_and_an_old_one_none(tmp_path, server, broker):
    stage = Stage(tmp_path / "device", server, broker_url=broker.device_url)
    try:
        holder = server.assign(spec={"steps": 20})
        stage.start_agent()
        for _ in range(100):
            broker.ring(v=1, job=5, attempt=11)
        wait_until(lambda: holder.gone, within=30)
        broker.ring(v=1, job=5, attempt=11)
        wait_until(lambda: not stage.marked(), within=10)
        assert holder.steps() == list(range(1, 21))
        assert len({lease["rank_process"]["pid"] for lease in holder.leases if lease["rank_process"]}) == 1
        assert stage.output.read_text().count("started under supervisor") == 1
    finally:
        stage.end()


def test_an_assignment_starts_on_a_ring_long_before_the_next_poll(tmp_path, server, broker):
    stage = Stage(tmp_path / "device", server, scale=2, broker_url=broker.device_url)
    try:
        stage.start_agent()
        wait_until(lambda: server.heartbeats, within=20)
        broker.ring(v=1, test=1)
        wait_until(lambda: server.heartbeats[-1]["last_ring"] > 0, within=30)
        holder = server.assign(spec={"steps": 2})
        began = time.monotonic()
        broker.ring(v=1, job=5, attempt=11)
        wait_until(lambda: holder.acknowledged, within=10)
        assert time.monotonic() - began < 3, "the poll would have come after 30 s"
    finally:
        stage.end()
