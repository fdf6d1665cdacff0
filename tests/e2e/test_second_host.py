"""A second host: own network namespace, own directory, the server's home out of sight; one job on both."""

import contextlib
import shutil
import subprocess
import sys

import pytest

from tests.e2e.stack import Stack
from tests.e2e.test_results import all_ended
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
        the_file_answers_alike_on_both_hosts(server, job["id"], [device["slug"] for device in devices])
        the_hosts_fit_together(server, [device["slug"] for device in devices])


def the_file_answers_alike_on_both_hosts(server, job: int, devices: list[str]) -> None:
    """The exported file comes to the host that knows nothing of the server's disk, and is certified there too."""
    body = {"job": job, "artifact": "model.onnx", "devices": devices, "suites": ["quality"]}
    assert server.api("POST", "/evaluations/", body)[0] == 202
    rows = wait_until(lambda: all_ended(server, job), within=120, about="both hosts have measured", every=0.5)
    assert [row["state"] for row in rows] == ["done", "done"], [row["reason"] for row in rows]
    assert {row["device"] for row in rows} == set(devices)
    assert all(row["parity"]["passed"] for row in rows)
    assert len({row["metrics"]["accuracy"] for row in rows}) == 1


def the_hosts_fit_together(server, devices: list[str]) -> None:
    """The test of the fleet over two hosts: every check on each of them, and the link between them measured."""
    status, test = server.api("POST", "/fleet-tests/", {"devices": devices})
    assert status in (201, 202), test
    told = wait_until(
        lambda: (found := server.api("GET", f"/fleet-tests/{test['id']}/")[1])["state"] != "running" and found,
        within=150, about="the test of the fleet ends", every=0.5,
    )  # fmt: skip
    assert told["state"] == "passed", told["rows"]
    assert {link["from"] for link in told["links"]} == set(devices)
    assert all(link["bytes_per_second"] > 0 for link in told["links"])


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
