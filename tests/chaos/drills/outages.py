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
from tests.chaos.drills.fleet import Fleet
from tests.chaos.roles import living
from tests.e2e.stack import ROOT
from tests.waiting import wait_until

STORED_S = 60
"""promised: everything that was said during the outage is stored so soon after it"""


def server(fleet: Fleet, times: int, seconds: float) -> None:
    _outage(fleet, "F25", "web and control away", seconds, lambda: _dead(fleet, "web", "control", "server-worker"))


def broker(fleet: Fleet, times: int, seconds: float) -> None:
    _outage(fleet, "F20", "the broker away", seconds, lambda: _dead(fleet, "broker"))


def database(fleet: Fleet, times: int, seconds: float) -> None:
    _outage(fleet, "F26", "the database away", seconds, lambda: _locked(fleet))


def upgrade(fleet: Fleet, times: int, seconds: float) -> None:
    """What `git pull && make up` does on a server whose devices are elsewhere: stop, migrate, start."""
    _outage(fleet, "F32", "an upgrade", seconds, lambda: _upgraded(fleet))


def _outage(fleet: Fleet, number: str, what: str, seconds: float, away: Callable) -> None:
    """The same ranks train on all the while; what they said is stored soon after; the job ends as it would have."""
    job = fleet.train(seconds + 20)
    pids = [rank["pid"] for rank in fleet.attempt(job)["ranks"]]
    with away():
        began = time.monotonic()
        fleet.pass_(seconds)
        reached = _reached(fleet, job)
        assert all(fleet.is_alive(pid) for pid in pids), "a rank ended during the outage"
    back = time.monotonic()
    wait_until(lambda: _stored(fleet, job) >= reached, STORED_S * 3, f"step {reached} is stored", every=0.5)
    took = time.monotonic() - back
    attempt = fleet.attempt(job)
    assert attempt["number"] == 1 and [rank["pid"] for rank in attempt["ranks"]] == pids, attempt
    ended = fleet.until_it_ends(job)
    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1), ended["end_reason"]
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
def _locked(fleet: Fleet) -> Iterator[None]:
    """Nobody else can write to the SQLite file."""
    connection = sqlite3.connect(fleet.stack.home / "fleetune.sqlite3", timeout=60, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
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


def _stored(fleet: Fleet, job: int) -> int:
    """The last step of train/loss that every rank has in the store."""
    raw = fleet.stack.api("GET", f"/jobs/{job}/metrics/?key=train/loss&fmt=csv&max_points=0")[1]
    if not isinstance(raw, bytes):
        return 0
    header, *lines = raw.decode().splitlines()
    names = header.split(",")
    last: dict[str, int] = {}
    for line in lines:
        row = dict(zip(names, line.split(","), strict=True))
        last[row["rank"]] = max(last.get(row["rank"], 0), int(row["step"]))
    return min(last.values(), default=0)
