"""Plugs pulled on a whole Fleetune: what dies comes back, nothing is lost, and Ctrl-C leaves nothing behind."""

import csv
import io
import os
import shutil
import signal
import time

import psutil
import pytest

from tests.e2e.stack import UNHURRIED, Stack
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
SPEC = {
    "task": "image-classification",
    "dataset": "mnist-5k",
    "model": {"source": "dense", "hidden": [64, 64]},
    "training": {"max_steps": 1200, "learning_rate": 0.003, "optim": "adam", "save_steps": 100, "eval_steps": 1000},
    "export": {"formats": ["safetensors"]},
}
SECOND_START_S = 10
"""promised on a machine that does nothing else; the test allows twice as much"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory, fresh_home):
    """One Fleetune with data, in which these tests break one thing after another; the last of them ends it."""
    home = shutil.copytree(fresh_home, tmp_path_factory.mktemp("faults") / "home")
    with Stack(home, demo=False, **UNHURRIED) as stack:
        stack.start()
        stack.add_builtin("mnist-5k", within=60)
        yield stack


@pytest.fixture
def running(broken):
    """A stack with a job that trains."""
    job = broken.submit(**SPEC)
    wait_until(lambda: _step(broken, job["id"]) > 60, within=60, about="the job trains", every=0.25)
    return broken, job["id"]


def test_a_killed_rank_ends_in_a_succeeded_job_all_the_same(running):
    stack, job = running
    os.kill(_ranks(stack, job)[1]["pid"], signal.SIGKILL)
    ended = stack.ended(job, within=240)
    assert ended["state"] == "succeeded", ended["end_reason"]
    assert ended["attempts"][0]["end_reason"] == "killed"
    assert len(ended["attempts"]) == 2
    _every_step_once(stack, job)


def test_a_killed_agent_loses_no_point_and_the_rank_goes_on(running):
    stack, job = running
    pid = _ranks(stack, job)[0]["pid"]
    agents = [p for p in psutil.process_iter() if _is_agent(p, stack)]
    assert agents
    agents[0].kill()
    step = _step(stack, job)
    wait_until(lambda: _step(stack, job) > step + 50, within=20, about="training goes on without its agent", every=0.25)
    assert _ranks(stack, job)[0]["pid"] == pid
    ended = stack.ended(job, within=240)
    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1)
    _every_step_once(stack, job)


def test_stopping_one_rank_stops_the_steps_of_the_other(running):
    stack, job = running
    _, second = _ranks(stack, job)
    os.kill(second["pid"], signal.SIGSTOP)
    try:
        halted = wait_until(lambda: _same_step_twice(stack, job), within=20, about="the other rank stops too")
        assert halted
    finally:
        os.kill(second["pid"], signal.SIGCONT)
    wait_until(lambda: _step(stack, job) > halted, within=20, about="both go on", every=0.25)
    assert stack.ended(job, within=240)["state"] == "succeeded"


def test_ctrl_c_leaves_no_process_and_the_job_goes_on_at_the_next_start(running):
    stack, job = running
    stack.stop()
    assert stack.living() == []
    stack.start()
    assert stack.ready_after_s < 2 * SECOND_START_S
    ended = stack.ended(job, within=240)
    assert ended["state"] == "succeeded", ended["end_reason"]
    assert ended["attempts"][1]["resumed_from_step"] > 0
    _every_step_once(stack, job)


def _step(stack, job: int) -> int:
    return max([rank["step"] for rank in _ranks(stack, job)], default=0)


def _ranks(stack, job: int) -> list[dict]:
    attempts = stack.job(job)["attempts"]
    return attempts[-1]["ranks"] if attempts else []


def _same_step_twice(stack, job: int) -> int:
    """The step at which the job stands still for a second, or 0."""
    before, began = _step(stack, job), time.monotonic()
    wait_until(lambda: time.monotonic() - began > 3, within=5)
    return before if _step(stack, job) == before else 0


def _is_agent(process: psutil.Process, stack) -> bool:
    try:
        line = process.cmdline()
        return "agent" in line and "run" in line and any(str(stack.home) in word for word in line)
    except psutil.Error:
        return False


def _every_step_once(stack, job: int) -> None:
    raw = stack.api("GET", f"/jobs/{job}/metrics/?key=train/loss&fmt=csv&max_points=0")[1]
    rows = list(csv.DictReader(io.StringIO(raw.decode())))
    for rank in ("0", "1"):
        steps = [int(row["step"]) for row in rows if row["rank"] == rank]
        assert steps == list(range(1, len(steps) + 1)) and steps
