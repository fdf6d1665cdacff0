"""A second host: own network namespace, own directory, the server's home out of sight; one job on both."""

import contextlib
import shutil
import subprocess
import sys

import pytest

from tests.e2e.stack import Stack
from tests.hosts import Host, network
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.netns]


@pytest.fixture
def there():
    with network("10.231.77") as between:
        yield between


@pytest.fixture
def server(tmp_path, fresh_home, there):
    shutil.copytree(fresh_home, tmp_path / "home")
    there = {"FLEETUNE_HOST": there.here, "FLEETUNE_ALLOW_PLAIN_HTTP": "1", "FLEETUNE_CPU_DEVICES": "1"}
    return Stack(tmp_path / "home", demo=False, **there)


def test_a_second_host_joins_with_one_command_and_trains_together_with_a_local_device(there, server, tmp_path):
    with contextlib.ExitStack() as afterwards:
        afterwards.callback(server.stop)
        server.start()
        agents = join(server, there.hosts[0], tmp_path / "second", afterwards)
        devices = wait_until(lambda: online(server, 2), within=60, about=f"two devices online\n{agents.read_text()}")
        server.add_builtin("mnist-5k", within=60)
        job = server.submit(
            task="image-classification",
            dataset="mnist-5k",
            model={"source": "dense", "hidden": [64, 64]},
            devices={"ids": [device["slug"] for device in devices]},
            training={"num_train_epochs": 3, "learning_rate": 0.003, "optim": "adam"},
        )
        ended = server.ended(job["id"], within=120)
        assert ended["state"] == "succeeded", (ended["end_reason"], ended)
        hosts = {rank["host"] for rank in ended["attempts"][-1]["ranks"]}
        assert len(hosts) == 2
        accuracies = {
            row["metrics"]["accuracy"] for row in server.api("GET", f"/jobs/{job['id']}/evaluations/")[1]["results"]
        }
        assert len(accuracies) == 1


def online(server, count: int) -> list[dict]:
    devices = server.api("GET", "/devices/")[1]["results"]
    there = [device for device in devices if device["state"] == "online"]
    return there if len(there) == count else []


def join(server, host: Host, home, afterwards):
    """Run the copy-paste command on that host, where the server's home is covered by an empty file system."""
    token = server.manage("join_token", "--host", "second").strip()
    output = home.parent / "second.txt"
    script = (
        f"mount -t tmpfs none {server.home} && curl -fsS {server.url}/agent/v1/join.py | {sys.executable} - "
        f"--server {server.url} --token {token} --home {home} --name second --cpu-devices 1 --python {sys.executable}"
    )
    with open(output, "wb") as out:
        process = subprocess.Popen(
            host.inside("unshare", "-m", "bash", "-c", script), stdout=out, stderr=out, start_new_session=True
        )  # fmt: skip
    afterwards.callback(host.end, process)
    return output
