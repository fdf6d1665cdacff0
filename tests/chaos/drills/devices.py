"""Devices that die with all they run (F04): another takes their place, and they come back."""

import statistics
import time

from tests.chaos.drills.fleet import Fleet
from tests.waiting import wait_until

REPLACED_S = 20
TRAINS_S = 120


def devices_die(fleet: Fleet, times: int, seconds: float) -> None:
    """Three devices, a job on two of them: one of the two dies with agent, starter, supervisor and rank."""
    took: list[float] = []
    for _ in range(times):
        _three_are_online(fleet)
        if not fleet.jobs or fleet.is_nearly_over(fleet.jobs[-1], TRAINS_S):
            if fleet.jobs:
                fleet.until_it_ends(fleet.jobs[-1])
            fleet.train(TRAINS_S)
        took.append(_one_dies(fleet, fleet.jobs[-1]))
    for job in fleet.jobs:
        assert fleet.until_it_ends(job)["state"] == "succeeded"
        fleet.points_are_whole(job)
    assert len({fleet.weights(job) for job in fleet.jobs}) == 1
    late = sum(each > REPLACED_S for each in took)
    print(
        f"F04: {times} devices killed: the replacement trains after p50 {statistics.median(took):.1f} s, most "
        f"{max(took):.1f} s; {late} later than {REPLACED_S} s; all {len(fleet.jobs)} jobs with the same weights"
    )


def _one_dies(fleet: Fleet, job: int) -> float:
    """Seconds from the kill until the replacement trains."""
    attempt = fleet.until_it_trains(job)
    slug = fleet.random.choice([rank["device"] for rank in attempt["ranks"]])
    with fleet.nobody_restarts_anything():
        killed_at = time.monotonic()
        fleet.kill_device(slug)
        then = fleet.until_it_trains(job, attempt["number"] + 1, beyond=1)
        took = time.monotonic() - killed_at
        assert slug not in [rank["device"] for rank in then["ranks"]], then
    print(f"  {slug} of job {job}: replaced after {took:.1f} s, from step {then['resumed_from_step']}", flush=True)
    return took


def _three_are_online(fleet: Fleet) -> None:
    def online() -> bool:
        devices = fleet.stack.api("GET", "/devices/")[1]["results"]
        return [device["state"] for device in devices].count("online") == 3

    wait_until(online, 120, "three devices are online", every=0.5)
