"""A second host: own network namespace, own directory, the server's home out of sight; jobs on both, of pictures, boxes
and texts, whose files in every format are measured on two devices here and the one there."""

import base64
import contextlib
import io
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.e2e.data_files import coco_zip, sentences_csv
from tests.e2e.stack import Stack
from tests.e2e.trained import FORMATS, all_ended, devices, every_format_answers_alike, trained, tried
from tests.hosts import Host, network
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.netns]


@pytest.fixture(scope="module")
def there():
    with network("10.231.77") as between:
        yield between


@pytest.fixture(scope="module")
def server(tmp_path_factory, fresh_home, there):
    """A Fleetune with two devices of its own and one on the second host, which nothing but the network joins to it."""
    place = tmp_path_factory.mktemp("two-hosts")
    shutil.copytree(fresh_home, place / "home")
    reachable = {"FLEETUNE_HOST": there.here, "FLEETUNE_ALLOW_PLAIN_HTTP": "1", "FLEETUNE_CPU_DEVICES": "2"}
    running = Stack(place / "home", demo=False, **reachable)
    with contextlib.ExitStack() as afterwards:
        afterwards.callback(running.stop)
        running.start()
        agents = join(running, there.hosts[0], place / "second", afterwards)
        wait_until(lambda: online(running, 3), within=60, about=f"three devices online\n{agents.read_text()}")
        running.add_builtin("mnist-5k", within=60)
        yield running


@pytest.fixture(scope="module")
def digits(server):
    """A job on both hosts."""
    job = server.submit(
        task="image-classification",
        dataset="mnist-5k",
        model={"source": "dense", "hidden": [64, 64]},
        devices={"ids": devices(server)},
        training={"num_train_epochs": 3, "learning_rate": 0.003, "optim": "adam"},
        export={"formats": list(FORMATS)},
    )
    return server.ended(job["id"], within=120)


def test_a_second_host_joins_with_one_command_and_trains_together_with_local_devices(server, digits):
    assert digits["state"] == "succeeded", (digits["end_reason"], digits)
    assert len({rank["host"] for rank in digits["attempts"][-1]["ranks"]}) == 2
    rows = server.api("GET", f"/jobs/{digits['id']}/evaluations/")[1]["results"]
    assert len({row["metrics"]["accuracy"] for row in rows}) == 1
    every_format_answers_alike(server, digits, "accuracy")
    the_hosts_fit_together(server, devices(server))


def test_a_coco_zip_becomes_a_detector_that_answers_alike_on_both_hosts_in_every_format(server):
    training = {"num_train_epochs": 8, "per_device_train_batch_size": 4, "learning_rate": 0.004}
    parts = {"model": {"source": "detector", "channels": [16, 32, 32]}, "export": {"formats": list(FORMATS)}}
    raw = coco_zip()
    job, metrics = trained(server, raw, "boxes.zip", task="object-detection", training=training, **parts)
    assert set(metrics) == {"map", "map_50", "loss"} and metrics["map_50"] > 0.01, metrics
    assert job["summary"]["eval/map"] is not None
    files = server.files(job["id"])
    assert {*FORMATS.values(), "card.md"} <= set(files) and not any(file["error"] for file in files.values()), files
    with zipfile.ZipFile(io.BytesIO(raw)) as pictures:
        told = tried(server, job, image=base64.b64encode(pictures.read("images/1.png")).decode())
    assert told["boxes"] and {box["name"] for box in told["boxes"]} <= {"even", "odd"}, told
    every_format_answers_alike(server, job, "map_50")


def test_sentences_of_a_table_become_a_classifier_that_answers_alike_on_both_hosts_in_every_format(server):
    training = {"num_train_epochs": 8, "per_device_train_batch_size": 8, "learning_rate": 0.003}
    parts = {"model": {"source": "text", "width": 32, "depth": 1}, "export": {"formats": list(FORMATS)}}
    job, metrics = trained(
        server, sentences_csv(), "sentences.csv", task="text-classification", training=training, **parts
    )
    assert metrics["accuracy"] > 0.6, metrics  # chance is 0.5
    told = tried(server, job, text="Die Eingabe ist leider ungültig.")
    assert {found["name"] for found in told["classes"]} == {"fi", "de"}
    assert sum(found["probability"] for found in told["classes"]) == pytest.approx(1)
    every_format_answers_alike(server, job, "accuracy")


def test_a_host_that_disappears_in_an_evaluation_has_its_own_row_with_the_reason(server, digits, there):
    local, *_, second = sorted(devices(server), key=lambda slug: slug.startswith("second"))
    body = {"job": digits["id"], "artifact": "model.onnx", "suites": ["quality", "speed", "corruption"]}
    status, sent = server.api("POST", "/evaluations/", body | {"devices": [local, second]})
    assert status == 202, sent
    wait_until(lambda: measuring(server, sent)[second]["state"] == "running", within=60, about="it measures")
    with there.hosts[0].unplugged():
        wait_until(lambda: all_ended(server, digits["id"]), within=120, about="both rows have ended", every=0.5)
    rows = measuring(server, sent)
    assert rows[second]["state"] == "failed" and rows[local]["state"] == "done", rows
    assert rows[second]["reason"] == f"Lost {second}: it stopped answering before this was done."


def measuring(server, sent: list[dict]) -> dict[str, dict]:
    """What has become of these measurements, by their device."""
    return {row["device"]: server.api("GET", f"/evaluations/{row['id']}/")[1] for row in sent}


def the_hosts_fit_together(server, slugs: list[str]) -> None:
    """The test of the fleet over two hosts: every check on each of them, and the link between them measured."""
    status, test = server.api("POST", "/fleet-tests/", {"devices": slugs})
    assert status in (201, 202), test
    told = wait_until(
        lambda: (found := server.api("GET", f"/fleet-tests/{test['id']}/")[1])["state"] != "running" and found,
        within=150, about="the test of the fleet ends", every=0.5,
    )  # fmt: skip
    assert told["state"] == "passed", told["rows"]
    assert {link["from"] for link in told["links"]} == set(slugs)
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
