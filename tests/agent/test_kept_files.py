"""Models and checkpoints on a device go by age and size, and never while somebody needs them."""

import os

import pytest

from agent.conclude import SETTLED
from agent.device_home import DeviceHome
from agent.kept_files import CHECKPOINTS, DAY_S, DAYS, MODELS, sweep_kept
from contract.run_dir import checkpoints_dir, write_json
from tests.agent.factories import assignment

NOW = 1_800_000_000.0


@pytest.fixture
def home(tmp_path):
    return DeviceHome(tmp_path / "device")


def lies_at(path, size: int, days: float):
    """A directory of `size` bytes that was used so many days ago."""
    path.mkdir(parents=True)
    (path / "model.safetensors").write_bytes(bytes(size))
    used = NOW - days * DAY_S
    os.utime(path, (used, used))
    return path


def model(home, name: str, days: float):
    return lies_at(home.model_dir(name), 100, days)


def checkpoint(home, job: int, days: float, *, ended: bool = True):
    """Of a job whose run on this device ended so many days ago."""
    run = home.run_dir("attempt", job, job)
    run.path.mkdir(parents=True)
    if ended:
        write_json(run.path / SETTLED, {"at": NOW - days * DAY_S, "outcome": "succeeded", "reason": ""})
    lies_at(checkpoints_dir(home.path, job) / "step-10", 100, days)
    os.utime(checkpoints_dir(home.path, job), (NOW - days * DAY_S,) * 2)
    return checkpoints_dir(home.path, job)


def swept(home, *assigned) -> list[str]:
    return [str(path.relative_to(home.path)) for path in sweep_kept(home, assigned, NOW)]


def test_models_that_nobody_used_for_a_fortnight_go(home):
    model(home, "old", 15)
    model(home, "new", 13)
    assert swept(home) == ["models/old"]
    assert home.model_dir("new").is_dir()


def test_of_too_many_models_the_one_used_longest_ago_goes(home, monkeypatch):
    monkeypatch.setenv(MODELS, "250")
    for name, days in (("a", 1), ("b", 3), ("c", 2)):
        model(home, name, days)
    assert swept(home) == ["models/b"]


def test_a_model_that_an_assignment_or_a_living_run_names_stays(home, monkeypatch):
    monkeypatch.setenv(MODELS, "0")
    for name in ("assigned", "running", "idle"):
        model(home, name, 99)
    run = home.run_dir("attempt", 5, 1)
    run.path.mkdir(parents=True)
    write_json(run.assignment, assignment(id=1, model={"hash": "running", "files": []}).to_json())
    assert swept(home, assignment(id=2, model={"hash": "assigned", "files": []})) == ["models/idle"]


def test_checkpoints_go_a_fortnight_after_their_job_ended_here(home, monkeypatch):
    checkpoint(home, 1, 15)
    checkpoint(home, 2, 13)
    assert swept(home) == ["jobs/1/checkpoints"]
    monkeypatch.setenv(DAYS, "10")
    assert swept(home) == ["jobs/2/checkpoints"]


def test_too_many_checkpoints_go_by_age_but_not_on_their_first_day_nor_while_the_job_lives(home, monkeypatch):
    monkeypatch.setenv(CHECKPOINTS, "150")
    checkpoint(home, 1, 3)
    checkpoint(home, 2, 2)
    checkpoint(home, 3, 0.5)
    checkpoint(home, 4, 9, ended=False)
    assert swept(home) == ["jobs/1/checkpoints", "jobs/2/checkpoints"]
    assert checkpoints_dir(home.path, 3).is_dir() and checkpoints_dir(home.path, 4).is_dir()


def test_a_limit_that_is_no_number_is_the_default(home, monkeypatch, caplog):
    monkeypatch.setenv(MODELS, "lots")
    model(home, "a", 1)
    assert swept(home) == []
    assert "FLEETUNE_MODELS_BYTES is 'lots'" in caplog.text
