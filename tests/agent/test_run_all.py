"""Agents of all devices of a host, kept alive; and everything stopped."""

import os
import signal
import subprocess
import sys

import pytest

from agent.device_home import Device, DeviceHome
from agent.processes import identity_of, is_alive
from contract.run_dir import read_json
from tests.agent.fake_server import CREDENTIAL
from tests.agent.stage import NO_BROKER, ROOT, Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


class Host:
    """Two devices under one directory."""

    def __init__(self, path, server):
        self.path, self.homes = path, []
        for index in (0, 1):
            home = DeviceHome(path / f"host-cpu-{index}")
            home.save(Device(server.url, 7 + index, home.path.name, f"device.{7 + index}", NO_BROKER, "p:"), CREDENTIAL)
            self.homes.append(home)
        self.keepers = []

    def start(self) -> subprocess.Popen:
        with open(self.path / "keeper.log", "ab") as output:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "agent", "run-all", "--home", str(self.path)], cwd=ROOT, stdout=output,
                stderr=output, env={**os.environ, "FLEETUNE_TIME_SCALE": "0.25"}, start_new_session=True,
            )  # fmt: skip
        self.keepers.append(keeper)
        return keeper

    def agents(self) -> list[dict]:
        """Identities that the agents wrote down."""
        return [body for home in self.homes if (body := read_json(home.path / "agent.run.json"))]

    def living(self) -> int:
        return sum(identity_of(body["pid"]) is not None for body in self.agents())

    def end(self) -> None:
        for keeper in self.keepers:
            if keeper.poll() is None:
                keeper.send_signal(signal.SIGINT)
                keeper.wait(15)


@pytest.fixture
def host(tmp_path, server):
    host = Host(tmp_path, server)
    yield host
    host.end()


def test_a_dead_agent_is_started_again_and_an_end_takes_all_with_it(host):
    keeper = host.start()
    wait_until(lambda: host.living() == 2, within=20)
    first = host.agents()[0]["pid"]
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: host.agents()[0]["pid"] != first and host.living() == 2, within=10)
    keeper.terminate()
    assert keeper.wait(10) == 0
    assert host.living() == 0


def test_a_keeper_that_is_killed_takes_its_agents_along_and_a_new_one_takes_its_place(host):
    host.start()
    wait_until(lambda: host.living() == 2, within=20)
    host.keepers[0].kill()
    wait_until(lambda: host.living() == 0, within=8)
    second = host.start()
    wait_until(lambda: host.living() == 2, within=20)
    third = host.start()
    assert second.wait(15) == 0
    wait_until(lambda: host.living() == 2 and third.poll() is None, within=20)


def test_a_revoked_device_is_not_started_again(host, server):
    server.credentials.clear()
    assert host.start().wait(30) == 3


def test_stop_ends_agent_supervisor_and_rank_of_a_device(tmp_path, server):
    stage = Stage(tmp_path / "device", server)
    try:
        holder = server.assign(spec={"steps": 1000})
        agent = stage.start_agent()
        wait_until(lambda: holder.steps(), within=20)
        done = subprocess.run(
            [sys.executable, "-m", "agent", "stop", "--home", str(stage.home.path)], cwd=ROOT, timeout=30
        )
        assert done.returncode == 0
        assert agent.wait(1) == 0
        assert stage.marked() == []
        assert (holder.exits[-1]["outcome"], holder.gone) == ("drained", True)
    finally:
        stage.end()


def test_a_directory_without_devices_is_one_sentence(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "agent", "run-all", "--home", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1 and "Run the join command first" in done.stderr
    nothing = subprocess.run(
        [sys.executable, "-m", "agent", "run", "--home", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert nothing.returncode == 1 and "Traceback" not in nothing.stderr
    assert not is_alive(None)
