"""People pause and cancel at random moments of a job."""

import statistics
import time

from tests.chaos.drills.fleet import Fleet
from tests.waiting import wait_until

PAUSED_S, CANCELLED_S, FORCED_S = 60, 10, 3


def pause_at_random_moments(fleet: Fleet, times: int, seconds: float) -> None:
    """Each pause ends at a checkpoint, counts no attempt, and the job ends with the weights of the calm one."""
    calm = fleet.train(40)
    assert fleet.until_it_ends(calm)["state"] == "succeeded"
    took: list[float] = []
    job = fleet.train(40)
    for _ in range(times):
        if fleet.is_nearly_over(job, 40):
            assert fleet.until_it_ends(job)["state"] == "succeeded"
            job = fleet.train(40)
        number = fleet.attempt(job)["number"]
        fleet.pass_(fleet.random.random() * 2)
        asked = time.monotonic()
        if fleet.stack.api("POST", f"/jobs/{job}/pause/")[0] not in (200, 202):
            continue  # it has just ended
        wait_until(lambda job=job: fleet.job(job).get("state") == "pending", PAUSED_S, "paused", every=0.1)
        took.append(time.monotonic() - asked)
        assert fleet.stack.api("POST", f"/jobs/{job}/resume/")[0] in (200, 202)
        fleet.until_it_trains(job, number + 1, beyond=0)
    for each in fleet.jobs:
        assert fleet.until_it_ends(each)["state"] == "succeeded"
        fleet.points_are_whole(each)
    hashes = {fleet.weights(each) for each in fleet.jobs}
    assert len(hashes) == 1, hashes
    print(
        f"F45: {len(took)} pauses at random moments, at rest after p50 {statistics.median(took):.1f} s, most "
        f"{max(took):.1f} s (≤ {PAUSED_S}); weights of {len(fleet.jobs)} jobs, one of them undisturbed: {hashes.pop()}"
    )


def cancel_at_random_moments(fleet: Fleet, times: int, seconds: float) -> None:
    """Whatever a job does, it is cancelled in time and nothing of it is left."""
    took: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(times):
        forced = bool(turn % 2)
        job = fleet.stack.submit(**_spec())["id"]
        fleet.pass_(fleet.random.random() * 8)
        asked = time.monotonic()
        fleet.stack.api("POST", f"/jobs/{job}/cancel/", {"force": forced})
        assert fleet.until_it_ends(job, 60)["state"] == "cancelled"
        took[forced].append(time.monotonic() - asked)
    print(
        f"F46: {times} jobs cancelled at random moments: most {max(took[False]):.1f} s (≤ {CANCELLED_S}), "
        f"forced most {max(took[True], default=0):.1f} s (≤ {FORCED_S})"
    )


def _spec() -> dict:
    return {
        "task": "image-classification",
        "dataset": "mnist-5k",
        "model": {"source": "dense", "hidden": [64, 64]},
        "training": {"max_steps": 100_000},
    }
