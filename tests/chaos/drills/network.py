"""Devices on hosts of their own that are cut off from the server (F33) or from each other (F34)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.chaos.drills.fleet import Fleet
from tests.hosts import Host, deaf_to_each_other
from tests.waiting import wait_until

SUBNET = "10.231.78"
SHORT_S, LONG_S = 5, 60
REPLACED_S, TOLD_S, BACK_S = 20, 40, 60


def environment(here: str) -> dict[str, str]:
    """The server is reached from other hosts, over plain HTTP on a network of this machine only."""
    return {"FLEETUNE_HOST": here, "FLEETUNE_ALLOW_PLAIN_HTTP": "1"}


def cut_off(fleet: Fleet, times: int, seconds: float) -> None:
    """For 5 s nothing happens. For 60 s the job goes on with the two that are left, and takes the third back later."""
    (second,) = fleet.hosts
    with _joined(fleet, second):
        wait_until(lambda: len(_online(fleet)) == 3, 120, "three devices online", every=0.5)
        job = fleet.train_until(160, devices={"count": 3}, schedule={"min_devices": 2})
        pids = [rank["pid"] for rank in fleet.attempt(job)["ranks"]]
        with second.unplugged():
            fleet.pass_(SHORT_S)
        fleet.pass_(SHORT_S)
        attempt = fleet.attempt(job)
        assert attempt["number"] == 1 and [rank["pid"] for rank in attempt["ranks"]] == pids, attempt
        print(f"  cut off for {SHORT_S} s: the same attempt, step {fleet.step(job)}", flush=True)
        took = _cut_off_for_long(fleet, job, second)
        back = time.monotonic()
        grown = wait_until(lambda: _with_three(fleet, job), BACK_S * 2, "three devices again", every=0.5)
        print(f"  taken back {time.monotonic() - back:.1f} s after the link, from step {grown['resumed_from_step']}")
        assert fleet.until_it_ends(job)["state"] == "succeeded"
        fleet.points_are_whole(job)
    print(
        f"F33: cut off for {LONG_S} s: two devices went on after {took:.1f} s (≤ {REPLACED_S}), no point of the old one"
    )


def _cut_off_for_long(fleet: Fleet, job: int, host: Host) -> float:
    with host.unplugged():
        cut_at = time.monotonic()
        then = fleet.until_it_trains(job, 2, beyond=1)
        took = time.monotonic() - cut_at
        assert len(then["ranks"]) == 2, then
        print(f"  cut off: two devices train after {took:.1f} s, from step {then['resumed_from_step']}", flush=True)
        fleet.pass_(max(0.0, LONG_S - took))
    return took


def deaf_pair(fleet: Fleet, times: int, seconds: float) -> None:
    """Two hosts cannot reach each other, the server and a third device reach both: the job's reason names the two and
    what to open, and a job that may choose goes on with the third."""
    with ExitStack() as afterwards:
        for host in fleet.hosts:
            afterwards.enter_context(_joined(fleet, host))
        wait_until(lambda: len(_online(fleet)) == 3, 120, "three devices online", every=0.5)
        slugs = [device["slug"] for device in _online(fleet)]
        pair = sorted(slug for slug in slugs if not fleet.is_local(slug))
        (third,) = set(slugs) - set(pair)
        took = _pair_is_told(fleet, pair)
        goes_on = _another_takes_its_place(fleet, pair, third)
    print(
        f"F34: the pair is named after {took:.1f} s (≤ {TOLD_S}); a job that may choose trains with the third device "
        f"{goes_on:.1f} s after the cut"
    )


def _pair_is_told(fleet: Fleet, pair: list[str]) -> float:
    """Seconds from the cut to the end of a job that must have these two."""
    job = fleet.train_until(300, devices={"ids": pair}, schedule={"max_attempts": 1})
    with deaf_to_each_other(*fleet.hosts):
        cut_at = time.monotonic()
        ended = fleet.until_it_ends(job, 3 * TOLD_S)
        took = time.monotonic() - cut_at
    said = ended["state_line"]["text"]
    assert ended["end_reason"] == "sync_timeout", ended["end_reason"]
    assert all(word in said for word in [*pair, "Open TCP", *(host.address for host in fleet.hosts)]), said
    print(f"  after {took:.1f} s: {said}", flush=True)
    return took


def _another_takes_its_place(fleet: Fleet, pair: list[str], third: str) -> float:
    """Seconds from the cut until the job trains with the third device, which was busy before."""
    holder = fleet.train_until(300, devices={"ids": [third]})
    job = fleet.train_until(300, devices={"count": 2})
    assert sorted(rank["device"] for rank in fleet.attempt(job)["ranks"]) == pair
    fleet.stack.api("POST", f"/jobs/{holder}/cancel/")
    fleet.until_it_ends(holder)
    with deaf_to_each_other(*fleet.hosts):
        cut_at = time.monotonic()
        then = fleet.until_it_trains(job, 2, beyond=1)
        took = time.monotonic() - cut_at
        assert third in [rank["device"] for rank in then["ranks"]], then
        fleet.stack.api("POST", f"/jobs/{job}/cancel/")
        fleet.until_it_ends(job)
    return took


def _with_three(fleet: Fleet, job: int) -> dict:
    attempt = fleet.attempt(job)
    return attempt if attempt.get("number", 0) >= 3 and len(attempt["ranks"]) == 3 and fleet.step(job) else {}


def _online(fleet: Fleet) -> list[dict]:
    return [device for device in fleet.stack.api("GET", "/devices/")[1]["results"] if device["state"] == "online"]


@contextmanager
def _joined(fleet: Fleet, host: Host) -> Iterator[None]:
    """One more device, on that host."""
    home = fleet.stack.home.with_name(host.name)
    token = fleet.stack.manage("join_token", "--host", host.name).strip()
    script = (
        f"curl -fsS {fleet.stack.url}/agent/v1/join.py | {sys.executable} - --server {fleet.stack.url} --token {token} "
        f"--home {home} --name {host.name} --cpu-devices 1 --python {sys.executable}"
    )
    with open(home.with_suffix(".txt"), "wb") as out:
        process = subprocess.Popen(host.inside("bash", "-c", script), stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        host.end(process)
