"""The embedded broker lets in who knows the password, and keeps the users of devices over a restart."""

import pytest
import redis

from config import broker
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def test_only_the_password_opens_it_and_device_users_outlast_a_restart(tmp_path):
    port = broker.port_of(tmp_path, 20_000)
    with open(tmp_path / "log", "ab") as log:
        first = broker.start(tmp_path, "127.0.0.1", port, log)
        ours = redis.Redis(port=port, password=broker.password_of(tmp_path))
        wait_until(lambda: answers(ours), within=5)
        assert not answers(redis.Redis(port=port))
        ours.execute_command("ACL", "SETUSER", "device-1", "on", ">secret", "~device:1:*", "+@all")
        ours.execute_command("ACL", "SAVE")
        first.terminate()
        first.wait(5)
        again = broker.start(tmp_path, "127.0.0.1", port, log)
        device = redis.Redis(port=port, username="device-1", password="secret")
        wait_until(lambda: answers(device), within=5)
        with pytest.raises(redis.exceptions.NoPermissionError):
            device.get("other")
        again.terminate()
        again.wait(5)


def test_the_port_is_chosen_once(tmp_path):
    assert broker.port_of(tmp_path, 20_000) == broker.port_of(tmp_path, 30_000)


def answers(client: redis.Redis) -> bool:
    try:
        return client.ping()
    except redis.RedisError:
        return False
