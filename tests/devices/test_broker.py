"""S22, S24: at a real broker a device hears its doorbells, reaches its own keys, and nothing else."""

import time

import pytest
import redis
from django.test import override_settings

from agent.device_home import Device as DeviceOnHost
from agent.doorbell import Bell, Listener
from config import broker as embedded
from config.celery import app, broker_address
from devices import broker, doorbell, enrolment, services
from devices.models import Credential
from tests.accounts.factories import make_admin
from tests.devices.agents import beat, enrol
from tests.devices.factories import make_device
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a fresh embedded broker, with the server's own password."""
    home = tmp_path_factory.mktemp("broker")
    port = embedded.port_of(home, 21_000)
    with open(home / "log", "ab") as log:
        process = embedded.start(home, "127.0.0.1", port, log)
        address = f"redis://:{embedded.password_of(home)}@127.0.0.1:{port}/0"
        wait_until(lambda: answers(address), within=10, about="the broker")
        yield address
        process.terminate()
        process.wait(5)


@pytest.fixture(autouse=True)
def use_it(server, monkeypatch):
    monkeypatch.setattr(app.conf, "broker_url", broker_address(server))
    with override_settings(REDIS_URL=server, FLEETUNE_BROKER_PUBLIC_URL="redis://" + server.rpartition("@")[2]):
        redis.Redis.from_url(server).flushall()
        yield


def answers(address: str) -> bool:
    try:
        return redis.Redis.from_url(address).ping()
    except redis.RedisError:
        return False


def joined(host: str = "lab-1") -> dict:
    """What a device that joined just now was told."""
    return enrol(enrolment.make_token(make_admin(f"admin of {host}"), host=host)).json()["devices"][0]


def as_device(told: dict) -> redis.Redis:
    return redis.Redis.from_url(told["broker_url"])


def waiting_for(told: dict) -> int:
    """Messages in the queue of this device."""
    return redis.Redis.from_url(broker.settings.REDIS_URL).llen(f"{told['key_prefix']}{told['queue']}")


def test_a_device_gets_a_user_that_reaches_its_own_keys_only():
    one, two = joined("lab-1"), joined("lab-2")
    mine, prefix = as_device(one), one["key_prefix"]
    assert f"//device-{one['id']}:" in one["broker_url"]
    mine.lpush(f"{prefix}{one['queue']}", "x")
    assert mine.brpop(f"{prefix}{one['queue']}", 1)
    mine.publish(f"{prefix}news", "x")
    forbidden = [
        ("LPUSH", f"{two['key_prefix']}{two['queue']}", "x"), ("LRANGE", "control", 0, -1), ("GET", "anything"),
        ("PUBLISH", "fleetune-live.job.1", "x"), ("SUBSCRIBE", "fleetune-live.job.1"), ("PSUBSCRIBE", "*"),
        ("FLUSHALL",), ("CONFIG", "GET", "*"), ("KEYS", "*"), ("SCAN", 0), ("RANDOMKEY",), ("INFO",), ("MONITOR",),
        ("ACL", "LIST"), ("CLIENT", "LIST"), ("SHUTDOWN",), ("EVAL", "return 1", 0), ("SCRIPT", "LOAD", "return 1"),
        ("MIGRATE", "h", 1, "k", 0, 1), ("COPY", f"{prefix}a", "b"), ("RENAME", f"{prefix}a", "b"),
    ]  # fmt: skip
    for command in forbidden:
        with pytest.raises(redis.exceptions.NoPermissionError):
            as_device(one).execute_command(*command)


def test_a_script_that_the_server_loaded_has_no_more_rights_than_its_caller():
    one = joined()
    admin = redis.Redis.from_url(broker.settings.REDIS_URL)
    sha = admin.script_load("return redis.call('GET', KEYS[1])")
    with pytest.raises(redis.ResponseError):
        as_device(one).evalsha(sha, 1, "somebody:else")


def test_its_worker_hears_the_doorbell_and_a_neighbour_does_not():
    told, other = joined("lab-1"), joined("lab-2")
    known = {key: told[key] for key in ("id", "slug", "queue", "broker_url", "key_prefix")}
    bell = Bell()
    listener = Listener(DeviceOnHost(server="http://server", **known), bell)
    listener.ensure()
    try:
        assert doorbell.ring([told["id"]], {"v": 1, "job": 5, "attempt": 9}) == 1
        wait_until(lambda: bell.last_ring, within=15, about="the doorbell")
        assert waiting_for(other) == 0
        began = time.monotonic()
        assert doorbell.ring([told["id"], other["id"]], {"v": 1, "test": True}) == 2
        assert time.monotonic() - began < 1
        assert waiting_for(other) == 1
        wait_until(lambda: waiting_for(told) == 0, within=15, about="the worker to take the ring")
    finally:
        assert listener.stop()


def test_a_ring_waits_in_the_queue_of_a_device_that_is_away_and_runs_out():
    told = joined()
    doorbell.ring([told["id"]], {"v": 1, "job": 1, "attempt": 1})
    key = f"{told['key_prefix']}{told['queue']}"
    message = redis.Redis.from_url(broker.settings.REDIS_URL).lindex(key, 0)
    assert b'"expires"' in message
    assert b"application/json" in message


def test_a_broker_that_is_away_costs_a_second_at_most_and_raises_nothing(monkeypatch):
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    began = time.monotonic()
    assert doorbell.ring([1, 2, 3], {"v": 1}) == 0
    assert time.monotonic() - began < 1.2


def test_a_rotated_password_replaces_the_old_one_after_the_overlap():
    from tests.devices.agents import call

    told = joined()
    new = call("credential", told["credential"], {}).json()
    assert as_device(told).ping()
    assert redis.Redis.from_url(new["broker_url"]).ping()
    Credential.objects.filter(expires_at__isnull=False).delete()
    assert broker.ensure(Credential.objects.get().device)
    assert redis.Redis.from_url(new["broker_url"]).ping()
    with pytest.raises(redis.AuthenticationError):
        as_device(told).ping()


def test_a_revoked_device_is_cut_off_at_once(django_capture_on_commit_callbacks):
    told = joined()
    connection = as_device(told)
    assert connection.ping()
    with django_capture_on_commit_callbacks(execute=True):
        services.revoke(Credential.objects.get().device, make_admin())
    with pytest.raises(redis.RedisError):
        connection.ping()
    assert beat(told["credential"]).status_code == 401


def test_a_broker_that_lost_its_users_gets_them_back_with_the_heartbeat(monkeypatch):
    from devices import agent_views

    told = joined()
    redis.Redis.from_url(broker.settings.REDIS_URL).acl_deluser(f"device-{told['id']}")
    monkeypatch.setattr(agent_views, "_looked_at", {})
    assert beat(told["credential"]).status_code == 200
    assert as_device(told).ping()


def test_a_broker_that_makes_no_users_is_shared(monkeypatch):
    device = make_device()

    def no_rights(_device):
        raise redis.exceptions.NoPermissionError("no ACL here")

    monkeypatch.setattr(broker, "grant", no_rights)
    assert broker.address_for(device, "secret") == broker.settings.FLEETUNE_BROKER_PUBLIC_URL


@pytest.mark.parametrize(
    ("public", "asked", "given"),
    [
        ("redis://0.0.0.0:8001/0", "10.0.0.9", "10.0.0.9:8001"),
        ("redis://127.0.0.1:8001/0", "10.0.0.9", "10.0.0.9:8001"),
        ("redis://127.0.0.1:8001/0", "localhost", "127.0.0.1:8001"),
        ("redis://broker.lab:6379/1", "10.0.0.9", "broker.lab:6379"),
    ],
)
def test_a_device_elsewhere_is_given_an_address_that_it_can_reach(public, asked, given):
    with override_settings(FLEETUNE_BROKER_PUBLIC_URL=public):
        assert broker.address_for(make_device(), "secret", asked_host=asked).partition("@")[2].startswith(given)
