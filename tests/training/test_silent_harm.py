"""What goes wrong without anybody saying so: a flipped bit in one rank, and disks that are really full."""

import contextlib
import hashlib
import subprocess

import pytest

from tests.training.factories import batches, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
SETTINGS = {"per_device_train_batch_size": 8, "learning_rate": 0.01, "optim": "adam", "max_steps": 18, "save_steps": 6}
PAGE = 4096
"""what even the smallest file takes of a disk"""
JOB = {"model": {"source": "conv", "channels": [4, 8], "hidden": [16]}, "export": {"formats": ["safetensors"]}}


@pytest.fixture(scope="module")
def few(data_dir):
    return prepared_data(data_dir, *tiny(), classes=["a", "b", "c"])


@pytest.fixture
def small_disk(tmp_path):
    """Makes disks of so many bytes: file systems in memory that can really be full."""
    made = []

    def make(name: str, size: int):
        place = tmp_path / name
        place.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place], check=True)
        made.append(place)
        return place

    yield make
    for place in made:
        subprocess.run(["umount", "-l", place], check=True)


def weights(attempt: Attempt) -> str:
    return hashlib.sha256((attempt.paths(0).artifacts / "model.safetensors").read_bytes()).hexdigest()


def test_a_flipped_bit_is_seen_at_the_next_save_and_the_checkpoint_before_it_is_gone_on_from(starter, tmp_path, few):
    job = spec(**JOB, training=SETTINGS)
    calm = Attempt(starter, tmp_path / "calm", job, [few, few])
    calm.run()
    flipped = Attempt(
        starter, tmp_path / "flipped", job, [few, few], env_of={1: {"FLIP_AT": "12"}},
        runs="tests.training.flipped_rank:main",
    )  # fmt: skip
    reports = flipped.run()
    assert "diverged" in {report["reason"] for report in reports}
    assert {report["outcome"] for report in reports} == {"failed"}
    assert flipped.saved_by_all() == [6]
    again = flipped.again(6, runs="training.run:main")
    assert {report["outcome"] for report in again.run()} == {"succeeded"}
    assert weights(again) == weights(calm)


def test_a_disk_that_is_full_in_a_checkpoint_costs_that_one_and_names_the_bytes(starter, tmp_path, few, small_disk):
    job = spec(**JOB, training=SETTINGS)
    first = Attempt(starter, tmp_path / "job", job, [few])
    first.run()
    one = sum(-(-path.stat().st_size // PAGE) for path in (first.checkpoints(0) / "step-18").iterdir())
    place = small_disk("small/device0/checkpoints", (one + one // 2) * PAGE)
    attempt = Attempt(starter, tmp_path / "small", job, [few])
    assert attempt.run()[0]["outcome"] == "succeeded"
    assert attempt.saved_by_all() == [6]
    assert [path.name for path in place.iterdir()] == ["step-6"]
    said = [line for batch in batches(attempt.paths(0)) for line in batch["log"] if line["level"] == "warning"]
    assert ["bytes are needed" in line["text"] for line in said] == [True, True]
    assert weights(attempt) == weights(first)


def test_a_disk_that_is_full_for_the_spool_is_waited_for_and_no_point_is_lost(starter, tmp_path, few, small_disk):
    place = small_disk("device0", 4 * 2**20)
    job = spec(**JOB, training=SETTINGS | {"max_steps": 2000, "save_steps": 1_000_000})
    attempt = Attempt(starter, tmp_path, job, [few]).start().go()
    wait_until(lambda: attempt.step(0) > 50, within=60, about="it trains")
    filler = place / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while file.write(b"\0" * PAGE):
            pass
    full, step = attempt.paths(0).spool.stat().st_size, attempt.step(0)
    wait_until(lambda: attempt.step(0) > step + 100, within=60, about="training goes on")
    assert attempt.paths(0).spool.stat().st_size - full < PAGE
    filler.unlink()
    (report,) = attempt.wait(120)
    assert report["outcome"] == "succeeded", report
    assert list(points(attempt.paths(0), "train/loss")) == list(range(1, 2001))
