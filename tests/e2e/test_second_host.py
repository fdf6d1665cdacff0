"""A second host: own network namespace, own directory, the server's home out of sight; one job on both."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys

import pytest

from tests.e2e.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.netns]
HERE, THERE = "10.231.77.1", "10.231.77.2"


@pytest.fixture
def namespace():
    """A network namespace joined to ours by a veth pair; gone afterwards."""
    name, link = f"ft{secrets.token_hex(3)}", f"v{secrets.token_hex(3)}"
    commands = [
        ["ip", "netns", "add", name],
        ["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name],
        ["ip", "addr", "add", f"{HERE}/24", "dev", link],
        ["ip", "link", "set", link, "up"],
        ["ip", "-n", name, "addr", "add", f"{THERE}/24", "dev", "eth0"],
        ["ip", "-n", name, "link", "set", "eth0", "up"],
        ["ip", "-n", name, "link", "set", "lo", "up"],
    ]
    try:
        for command in commands:
            subprocess.run(command, check=True, capture_output=True, text=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False)
        subprocess.run(["ip", "link", "delete", link], check=False, capture_output=True)


@pytest.fixture
def server(tmp_path, fresh_home):
    shutil.copytree(fresh_home, tmp_path / "home")
    there = {"FLEETUNE_HOST": HERE, "FLEETUNE_ALLOW_PLAIN_HTTP": "1", "FLEETUNE_CPU_DEVICES": "1"}
    return Stack(tmp_path / "home", demo=False, **there)


def test_a_second_host_joins_with_one_command_and_trains_together_with_a_local_device(namespace, server, tmp_path):
    with contextlib.ExitStack() as afterwards:
        afterwards.callback(server.stop)
        server.start()
        agents = join(server, namespace, tmp_path / "second", afterwards)
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


def join(server, namespace: str, home, afterwards):
    """Run the copy-paste command in the namespace, where the server's home is covered by an empty file system."""
    token = server.manage("join_token", "--host", "second").strip()
    output = home.parent / "second.txt"
    script = (
        f"mount -t tmpfs none {server.home} && curl -fsS {server.url}/agent/v1/join.py | {sys.executable} - "
        f"--server {server.url} --token {token} --home {home} --name second --cpu-devices 1 --python {sys.executable}"
    )
    with open(output, "wb") as out:
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "unshare", "-m", "bash", "-c", script],
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    afterwards.callback(end, process, namespace)
    return output


def end(process, namespace: str) -> None:
    """End every process of the namespace (ours alone live in it)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    inside = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True).stdout.split()
    for pid in inside:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    process.wait(10)
