"""The real server worker with a real broker: it imports, dies, is taken up again, and stops when it is told to."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import redis

from config import broker as embedded
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parent.parent.parent
ADD = """
import json
from accounts.models import Project, User
from catalog import services
user, _ = User.objects.get_or_create(username="maria")
print(json.dumps(services.add_builtin(user, Project.default(), "mnist-5k").pk))
"""
REPAIR = """
from datetime import timedelta
from django.utils import timezone
from catalog import services
print(services.take_up_again(timezone.now() + timedelta(minutes=1)))
"""


class Server:
    """A home of its own with a migrated database, a broker, and as many workers as a test starts."""

    def __init__(self, home: Path):
        self.home = home
        self.port = embedded.port_of(home, 20_000 + os.getpid() % 10_000)
        address = f"redis://:{embedded.password_of(home)}@127.0.0.1:{self.port}/0"
        self.env = os.environ | {"FLEETUNE_HOME": str(home), "REDIS_URL": address, "DATABASE_URL": ""}
        self.env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        with open(home / "broker.log", "wb") as log:
            self.processes = [embedded.start(home, "127.0.0.1", self.port, log)]
        wait_until(lambda: self._answers(address), within=10, about="the broker answers")
        self.manage("migrate", "--verbosity=0", "--skip-checks")

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=True).stdout

    def python(self, code: str):
        return json.loads(self.manage("shell", "--no-imports", "-c", code))

    def start_worker(self) -> subprocess.Popen:
        with open(self.home / "worker.log", "ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "server_worker"], cwd=ROOT, env=self.env, stdout=log, stderr=log
            )
        self.processes.append(worker)
        return worker

    def dataset(self) -> dict:
        with closing(sqlite3.connect(self.home / "fleetune.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            return dict(database.execute("SELECT * FROM catalog_dataset").fetchone())

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    @staticmethod
    def _answers(address: str) -> bool:
        try:
            return redis.Redis.from_url(address).ping()
        except redis.exceptions.ConnectionError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


def lives(pid: int) -> bool:
    """Not gone, and not a corpse that nobody has buried yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def children_of(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]


def test_an_import_survives_its_killed_worker_and_a_worker_told_to_stop_stops(server):
    server.python(ADD)
    worker = server.start_worker()
    wait_until(lambda: server.dataset()["worker_seen_at"], within=40, about="the import began")
    (child,) = wait_until(lambda: children_of(worker.pid), within=10, about="the import has a child process")
    worker.kill()
    worker.wait()
    wait_until(lambda: not lives(child), within=5, about="the child went with its parent")
    assert server.dataset()["state"] == "importing"

    second = server.start_worker()
    assert server.python(REPAIR) == 1
    wait_until(lambda: children_of(second.pid), within=40, about="the second worker took it up")
    began = time.monotonic()
    second.send_signal(signal.SIGTERM)
    second.wait(timeout=10)
    assert time.monotonic() - began < 10
    left = server.dataset()
    assert (left["state"], left["worker_seen_at"]) == ("importing", None)

    server.start_worker()
    assert server.python(REPAIR) == 1
    wait_until(lambda: server.dataset()["state"] == "ready", within=60, about="the third worker finished it")
    assert len(list((server.home / "datasets").glob("[0-9a-f]*"))) == 1
    assert not list((server.home / "datasets").glob(".writing-*"))
