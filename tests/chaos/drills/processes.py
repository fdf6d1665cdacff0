"""Processes that die: ranks, an agent that nobody starts again, the web process every ten seconds, all at once."""

import os
import signal
import statistics
import time

from agent.processes import identity_of
from tests.chaos.drills.fleet import START_WITHIN_S, Fleet
from tests.chaos.roles import living
from tests.waiting import wait_until

RUNNING_S = 15
"""promised from the death of a rank to the next attempt"""
HUNG_S = 35
OFFLINE_S, CANCEL_S = 12, 10
EACH_S = 10
EVERYTHING_RUNS_S = 30


def ranks_die(fleet: Fleet, times: int, seconds: float) -> None:
    took = []
    for _ in range(times):
        job = fleet.train(20)
        attempt = fleet.attempt(job)
        victim = fleet.random.choice(attempt["ranks"])
        killed_at = time.monotonic()
        os.kill(victim["pid"], signal.SIGKILL)
        fleet.until_it_trains(job, attempt["number"] + 1, beyond=0)
        took.append(time.monotonic() - killed_at)
        print(f"  rank {victim['rank']} of job {job}: the next attempt runs after {took[-1]:.1f} s", flush=True)
        assert fleet.until_it_ends(job)["state"] == "succeeded"
        fleet.points_are_whole(job)
    _one_model(fleet)
    print(f"F01: {times} ranks killed, p50 {statistics.median(took):.1f} s, most {max(took):.1f} s (≤ {RUNNING_S} s)")


def a_rank_is_frozen(fleet: Fleet, times: int, seconds: float) -> None:
    """A rank that is stopped is given up as hung, and the next attempt goes on from a checkpoint."""
    took = []
    for _ in range(times):
        job = fleet.train_until(300)
        attempt = fleet.until_it_trains(job, beyond=300)
        victim = fleet.random.choice(attempt["ranks"])
        frozen_at = time.monotonic()
        os.kill(victim["pid"], signal.SIGSTOP)
        ended = wait_until(lambda job=job: _first_ended(fleet, job), 3 * HUNG_S, "the attempt ends", every=0.2)
        took.append(time.monotonic() - frozen_at)
        assert ended["end_reason"] == "stalled", ended
        then = fleet.until_it_trains(job, 2, beyond=1)
        again = time.monotonic() - frozen_at
        print(f"  given up after {took[-1]:.1f} s, trains on after {again:.1f} s from step {then['resumed_from_step']}")
        fleet.stack.api("POST", f"/jobs/{job}/cancel/")
        fleet.until_it_ends(job)
    print(f"F07: {times} ranks frozen, given up after {max(took):.1f} s at most (≤ {HUNG_S} s)")


def _first_ended(fleet: Fleet, job: int) -> dict:
    first = (fleet.job(job).get("attempts") or [{}])[0]
    return first if first.get("ended_at") else {}


def an_agent_stays_away(fleet: Fleet, times: int, seconds: float) -> None:
    """The worker of a device is killed and nobody starts it: its rank trains on, and a cancel still works."""
    job = fleet.train(seconds + 60)
    pids = [rank["pid"] for rank in fleet.attempt(job)["ranks"]]
    slug = fleet.attempt(job)["ranks"][0]["device"]
    with fleet.nobody_restarts_anything():
        killed_at = time.monotonic()
        _kill_agent(fleet, slug)
        wait_until(lambda: _state(fleet, slug) == "offline", OFFLINE_S * 3, f"{slug} is offline", every=0.2)
        offline = time.monotonic() - killed_at
        step = fleet.step(job)
        fleet.pass_(max(0.0, seconds - offline))
        further, attempt = fleet.step(job) - step, fleet.attempt(job)
        assert [rank["pid"] for rank in attempt["ranks"]] == pids and attempt["number"] == 1, attempt
        assert further > 0, "training stood still"
        asked_at = time.monotonic()
        assert fleet.stack.api("POST", f"/jobs/{job}/cancel/")[0] in (200, 202)
        assert fleet.until_it_ends(job)["state"] == "cancelled"
        cancelled = time.monotonic() - asked_at
    print(
        f"F02: no agent for {seconds:.0f} s: device offline after {offline:.1f} s (≤ {OFFLINE_S}), same ranks, no new "
        f"attempt, {further} steps further, cancelled within {cancelled:.1f} s (≤ {CANCEL_S})"
    )


def the_web_process_dies_again_and_again(fleet: Fleet, times: int, seconds: float) -> None:
    job, kills = fleet.train(seconds), 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        wait_until(lambda: fleet.job(job), 60, "the server answers", every=0.2)
        fleet.kill("web")
        kills += 1
        fleet.pass_(max(0.0, kills * EACH_S - (time.monotonic() - began)))
    ended = fleet.until_it_ends(job)
    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1), ended
    fleet.points_are_whole(job)
    print(f"F24: the web process killed {kills} times in {seconds:.0f} s: no new attempt, no point missing or double")


def everything_dies_at_once(fleet: Fleet, times: int, seconds: float) -> None:
    """SIGKILL to every process of the home in mid-job; after the next start all goes on to the undisturbed end."""
    calm = fleet.train(20)
    assert fleet.until_it_ends(calm)["state"] == "succeeded"
    for _ in range(times):
        job = fleet.train(20)
        fleet.until_it_trains(job, beyond=300)
        number = fleet.attempt(job)["number"]
        victims = {*fleet.stack.living(), *(each.pid for each in living(fleet.stack)["broker"])}
        for pid in victims:
            if identity_of(pid):
                os.kill(pid, signal.SIGKILL)
        fleet.stack.process.wait(10)
        wait_until(lambda: not fleet.stack.living() and not living(fleet.stack)["broker"], 10, "nothing is left")
        fleet.stack.start(within=START_WITHIN_S)
        began = time.monotonic()
        seen = fleet.until_it_trains(job, number + 1, beyond=0)
        took = time.monotonic() - began
        assert seen["resumed_from_step"] > 0, seen
        assert fleet.until_it_ends(job)["state"] == "succeeded"
        fleet.points_are_whole(job)
        print(
            f"F48: {len(victims)} processes killed at once, training {took:.1f} s after ready "
            f"(≤ {EVERYTHING_RUNS_S}), from step {seen['resumed_from_step']}",
            flush=True,
        )
    _one_model(fleet)


def _one_model(fleet: Fleet) -> None:
    hashes = {fleet.weights(job) for job in fleet.jobs}
    print(f"  weights of {len(fleet.jobs)} jobs: {', '.join(hashes)}", flush=True)
    assert len(hashes) == 1, hashes


def _kill_agent(fleet: Fleet, slug: str) -> None:
    import json

    body = json.loads((fleet.home_of(slug).path / "agent.run.json").read_text())
    os.kill(body["pid"], signal.SIGKILL)


def _state(fleet: Fleet, slug: str) -> str:
    return fleet.stack.api("GET", f"/devices/{slug}/")[1]["state"]
