"""A device on another host is cut off: its network namespace loses its link (F33). Needs root and iproute2."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.chaos.drills.fleet import Fleet
from tests.waiting import wait_until

HERE, THERE = "10.231.78.1", "10.231.78.2"
SHORT_S, LONG_S = 5, 60
REPLACED_S, ENDS_S, BACK_S = 20, 5, 60


def environment() -> dict[str, str]:
    """The server is reached from the other host, over plain HTTP on a network of this machine only."""
    return {"FLEETUNE_HOST": HERE, "FLEETUNE_ALLOW_PLAIN_HTTP": "1", "FLEETUNE_CPU_DEVICES": "2"}


def cut_off(fleet: Fleet, times: int, seconds: float) -> None:
    """For 5 s nothing happens. For 60 s the job goes on with the two that are left, and takes the third back later."""
    with _second_host(fleet) as link:
        wait_until(lambda: len(_online(fleet)) == 3, 120, "three devices online", every=0.5)
        job = fleet.train(300, devices={"count": 3}, schedule={"min_devices": 2, "max_attempts": 50})
        pids = [rank["pid"] for rank in fleet.attempt(job)["ranks"]]
        with _down(link):
            fleet.pass_(SHORT_S)
        fleet.pass_(SHORT_S)
        attempt = fleet.attempt(job)
        assert attempt["number"] == 1 and [rank["pid"] for rank in attempt["ranks"]] == pids, attempt
        print(f"  cut off for {SHORT_S} s: the same attempt, step {fleet.step(job)}", flush=True)
        took = _cut_off_for_long(fleet, job, link)
        back = time.monotonic()
        grown = wait_until(lambda: _with_three(fleet, job), BACK_S * 2, "three devices again", every=0.5)
        print(f"  taken back {time.monotonic() - back:.1f} s after the link, from step {grown['resumed_from_step']}")
        assert fleet.until_it_ends(job)["state"] == "succeeded"
        fleet.points_are_whole(job)
    print(
        f"F33: cut off for {LONG_S} s: two devices went on after {took:.1f} s (≤ {REPLACED_S}), no point of the old one"
    )


def _cut_off_for_long(fleet: Fleet, job: int, link: str) -> float:
    with _down(link):
        cut_at = time.monotonic()
        then = fleet.until_it_trains(job, 2, beyond=1)
        took = time.monotonic() - cut_at
        assert len(then["ranks"]) == 2, then
        fleet.pass_(max(0.0, LONG_S - took))
    return took


def _with_three(fleet: Fleet, job: int) -> dict:
    attempt = fleet.attempt(job)
    return attempt if attempt.get("number", 0) >= 3 and len(attempt["ranks"]) == 3 and fleet.step(job) else {}


def _online(fleet: Fleet) -> list[dict]:
    return [device for device in fleet.stack.api("GET", "/devices/")[1]["results"] if device["state"] == "online"]


@contextmanager
def network() -> Iterator[tuple[str, str]]:
    """(namespace, our end of the pair that leads there); gone afterwards."""
    name, link = f"ft{secrets.token_hex(3)}", f"v{secrets.token_hex(3)}"
    commands = [
        f"ip netns add {name}",
        f"ip link add {link} type veth peer name eth0 netns {name}",
        f"ip addr add {HERE}/24 dev {link}",
        f"ip link set {link} up",
        f"ip -n {name} addr add {THERE}/24 dev eth0",
        f"ip -n {name} link set eth0 up",
        f"ip -n {name} link set lo up",
    ]
    try:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True)
        yield name, link
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False)
        subprocess.run(["ip", "link", "delete", link], check=False, capture_output=True)


@contextmanager
def _second_host(fleet: Fleet) -> Iterator[str]:
    """One more device, in the namespace that the drill made; the name of our end of the pair."""
    namespace, link = fleet.stack.environment["DRILL_NETWORK"].split()
    home = fleet.stack.home.with_name("second")
    token = fleet.stack.manage("join_token", "--host", "second").strip()
    script = (
        f"curl -fsS {fleet.stack.url}/agent/v1/join.py | {sys.executable} - --server {fleet.stack.url} --token {token} "
        f"--home {home} --name second --cpu-devices 1 --python {sys.executable}"
    )
    with open(home.parent / "second.txt", "wb") as out:
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "bash", "-c", script], stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield link
    finally:
        _end(process, namespace)


@contextmanager
def _down(link: str) -> Iterator[None]:
    subprocess.run(["ip", "link", "set", link, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", link, "up"], check=True)


def _end(process: subprocess.Popen, namespace: str) -> None:
    """Every process of the namespace: only ours live in it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    inside = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True).stdout.split()
    for pid in inside:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    process.wait(10)
