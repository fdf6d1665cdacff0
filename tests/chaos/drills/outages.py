"""Server, broker or database away while a job trains, each for as long as one says; and an upgrade in mid-job."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from contract.run_dir import attempt_dir, read_json
from tests.chaos.drills.fleet import AWAY, Fleet
from tests.chaos.roles import living
from tests.e2e.stack import ROOT
from tests.waiting import wait_until

STORED_S = 60
"""promised: everything that was said during the outage is stored so soon after it"""
REFUSED_S = 6
"""promised: whoever writes hears so soon that it cannot be done now"""
MORE_S = 30
"""of training before and after the outage"""


def server(fleet: Fleet, times: int, seconds: float) -> None:
    _outage(fleet, "F25", "web and control away", seconds, lambda: _dead(fleet, "web", "control", "server-worker"))


def broker(fleet: Fleet, times: int, seconds: float) -> None:
    _outage(fleet, "F20", "the broker away", seconds, lambda: _dead(fleet, "broker"))


def database(fleet: Fleet, times: int, seconds: float) -> None:
    _outage(fleet, "F26", "the database away", seconds, lambda: _locked(fleet))


def broker_and_database(fleet: Fleet, times: int, seconds: float) -> None:
    """The broker goes first and comes back last, so that points are stored without it before and after the lock."""
    _outage(fleet, "F20 and F26", "broker and database away", seconds, lambda: _dead_and_locked(fleet))


def upgrade(fleet: Fleet, times: int, seconds: float) -> None:
    """What `git pull && make up` does on a server whose devices are elsewhere: stop, migrate, start."""
    _outage(fleet, "F32", "an upgrade", seconds, lambda: _upgraded(fleet))


def _outage(fleet: Fleet, number: str, what: str, seconds: float, away: Callable) -> None:
    """The same ranks train on all the while; what they said is stored soon after; the job ends as it would have."""
    job = fleet.train_until(seconds + MORE_S)
    pids = [rank["pid"] for rank in fleet.attempt(job)["ranks"]]
    with away():
        began, before = time.monotonic(), _reached(fleet, job)
        fleet.pass_(seconds)
        reached = _reached(fleet, job)
        assert all(fleet.is_alive(pid) for pid in pids), "a rank ended during the outage"
        assert reached > before, "training stood still"
    back = time.monotonic()
    wait_until(lambda: _is_stored(fleet, job, reached), STORED_S * 3, f"step {reached} is stored", every=0.5)
    took = time.monotonic() - back
    ended = fleet.until_it_ends(job)
    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1), ended["end_reason"]
    assert [rank["pid"] for rank in ended["attempts"][0]["ranks"]] == pids
    fleet.points_are_whole(job)
    print(
        f"{number}: {what} for {back - began:.0f} s: same ranks, no new attempt, at step {reached} when it was over, "
        f"all of it stored after {took:.1f} s (≤ {STORED_S}), no point missing or double, job succeeded",
        flush=True,
    )


@contextmanager
def _dead(fleet: Fleet, *roles: str) -> Iterator[None]:
    with fleet.nobody_restarts_anything():
        fleet.kill(*roles)
        yield
    if "web" in roles:
        wait_until(lambda: fleet.job(fleet.jobs[-1]), 120, "the server answers", every=0.2)


@contextmanager
def _dead_and_locked(fleet: Fleet) -> Iterator[None]:
    with _dead(fleet, "broker"):
        _points_are_stored(fleet)
        with _locked(fleet):
            yield
        _points_are_stored(fleet)


def _points_are_stored(fleet: Fleet) -> None:
    job = fleet.jobs[-1]
    step = _reached(fleet, job)
    wait_until(lambda: _is_stored(fleet, job, step), STORED_S, "points are stored without a broker", every=0.5)


@contextmanager
def _locked(fleet: Fleet) -> Iterator[None]:
    """Nobody else can write to the SQLite file, and whoever tries is told so."""
    connection = sqlite3.connect(fleet.stack.home / "fleetune.sqlite3", timeout=60, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        asked = time.monotonic()
        assert fleet.stack.api("POST", f"/jobs/{fleet.jobs[-1]}/pause/")[0] == 503
        assert time.monotonic() - asked < 3 * REFUSED_S
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def _upgraded(fleet: Fleet) -> Iterator[None]:
    with fleet.nobody_restarts_anything():
        there = living(fleet.stack)
        for role in ("web", "control", "server-worker"):
            for identity in there.get(role, []):
                os.kill(identity.pid, signal.SIGKILL if role == "control" else signal.SIGTERM)
        subprocess.run(
            [sys.executable, "-m", "config.first_things"], cwd=ROOT, env=fleet.stack.environment, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        yield
    wait_until(lambda: fleet.job(fleet.jobs[-1]), 120, "the server answers", every=0.2)


def _reached(fleet: Fleet, job: int) -> int:
    """The step of the slowest rank, as its sign of life on the disk says: the server may be away."""
    steps = []
    for home in fleet.device_homes:
        for run in sorted((home / "jobs" / str(job) / "attempts").glob("*")):
            sign = read_json(attempt_dir(home, job, int(run.name)).progress)
            steps += [sign["step"]] if sign else []
    return min(steps)


def _is_stored(fleet: Fleet, job: int, step: int) -> bool:
    """Whether the store has train/loss of every rank at this step."""
    asked = f"/jobs/{job}/metrics/?key=train/loss&first_step={step}&last_step={step}&max_points=0"
    try:
        status, found = fleet.stack.api("GET", asked)
    except AWAY:
        return False
    if status != 200:
        return False
    return [series["steps"] for series in found["series"]] == [[step]] * len(fleet.device_homes)
