"""The embedded broker with a user that has the rights of a device, and doorbells as the server sends them."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import redis
from celery import Celery
from kombu import Connection

from config import broker as embedded
from devices.broker import RIGHTS
from tests.waiting import wait_until

PREFIX = "fleetune:device:7:"


class Broker:
    """`start`, `stop`; the address stays the same."""

    def __init__(self, home: Path):
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen | None = None

    @property
    def device_url(self) -> str:
        return f"redis://device-7:secret@127.0.0.1:{self.port}/0"

    @property
    def url(self) -> str:
        return f"redis://:{embedded.password_of(self.home)}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        with open(self.home / "broker.log", "ab") as log:
            self.process = embedded.start(self.home, "127.0.0.1", self.port, log)
        wait_until(self._answers, within=10)
        client = redis.Redis.from_url(self.url)
        client.script_load(redis.lock.Lock.LUA_RELEASE_SCRIPT)
        reach = [f"~{PREFIX}*", f"&{PREFIX}*"]
        client.execute_command("ACL", "SETUSER", "device-7", "reset", "on", ">secret", *reach, *RIGHTS)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def ring(self, task: str = "agent.doorbell", serializer: str = "json", **kwargs) -> None:
        """What the server sends after it claimed a device, or something forged."""
        app = Celery("server", set_as_current=False)
        with Connection(self.url, transport_options={"global_keyprefix": PREFIX}) as connection:
            app.send_task(task, kwargs=kwargs, queue="device.7", connection=connection, retry=False,
                          ignore_result=True, serializer=serializer, expires=30)  # fmt: skip

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(redis.Redis.from_url(self.url).ping())
        return False


@contextlib.contextmanager
def running_broker(home: Path) -> Iterator[Broker]:
    home.mkdir(parents=True)
    broker = Broker(home)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
