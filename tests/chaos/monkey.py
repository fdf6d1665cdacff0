"""Kills random processes of a whole Fleetune while jobs train, and looks whether anything was lost.

    make chaos N=20 [SEED=7]

Each kill waits for the job to go on before the next one. At the end every accepted job must have succeeded with the
same weights, every promise must hold (`check_invariants`), and no process may be left. Seed and figures are printed.
"""

import argparse
import http.client
import random
import secrets
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from agent.processes import send
from tests.chaos.roles import ROLES, device_homes, living
from tests.e2e.stack import Stack
from tests.waiting import wait_until

SPEC = {
    "task": "image-classification",
    "dataset": "mnist-5k",
    "model": {"source": "dense", "hidden": [64, 64]},
    "training": {"learning_rate": 0.003, "optim": "adam", "save_steps": 100, "eval_steps": 1000},
    "export": {"formats": ["safetensors"]},
    "schedule": {"max_attempts": 50},
}
TRAINS = ("rank", "supervisor")
"""without these the attempt ends and another one goes on from the checkpoint"""
GOES_ON_WITHIN_S = 120
ENDS_WITHIN_S = 400
SETTLE_S = 16


class Monkey:
    """One run: `kills` processes of `stack`, chosen by `seed`, while jobs of so many `steps` train."""

    def __init__(self, stack: Stack, seed: int, steps: int = 3000):
        self.stack, self.random = stack, random.Random(seed)
        self.spec = SPEC | {"training": SPEC["training"] | {"max_steps": steps}}
        self.jobs: list[int] = []
        self.took: dict[str, list[float]] = defaultdict(list)
        """per role: seconds from the kill until the job was seen training further"""

    def prepare(self) -> None:
        self.stack.start()
        self.stack.add_builtin("mnist-5k", within=90)

    def kill(self, role: str | None = None) -> None:
        """Kill one process at a random moment of a job, and wait until the job is further than it was."""
        job = self._training_job()
        wait = self.random.random() * 1.5
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > wait, within=5)
        there = living(self.stack)
        role = role or self.random.choice([name for name in ROLES if there.get(name)])
        victim = self.random.choice(there[role])
        before = self._job(job)
        killed_at = time.monotonic()
        assert send(victim, signal.SIGKILL), f"{role} {victim.pid} was gone already"
        self._wait_until_it_goes_on(job, before, role)
        self.took[role].append(time.monotonic() - killed_at)
        print(f"  {role} {victim.pid} of job {job}: on after {self.took[role][-1]:.1f} s", flush=True)

    def _wait_until_it_goes_on(self, job: int, before: dict, role: str) -> None:
        """With a new attempt when what trained was killed, else the same one must be heard of again and be further."""
        last = before["attempts"][-1]
        number, step = last["number"] + (role in TRAINS), _step_of(last)
        if role not in TRAINS:
            # The step that is told is a heartbeat old: look at it again, so that only what comes now counts.
            step = wait_until(lambda: self._step(job) or self._is_over(job), GOES_ON_WITHIN_S, every=0.2)

        def goes_on() -> bool:
            attempts = self._job(job).get("attempts") or []
            if not attempts or attempts[-1]["number"] < number:
                return self._is_over(job) and role not in TRAINS
            reached = attempts[-1]["resumed_from_step"] or 0 if role in TRAINS else step
            assert attempts[-1]["number"] == number, f"{role}: another attempt, {attempts[-1]}"
            return _step_of(attempts[-1]) > reached or self._is_over(job)

        wait_until(goes_on, GOES_ON_WITHIN_S, f"job {job} goes on without {role}", every=0.2)

    def finish(self) -> None:
        """Every job ends, nothing is lost, nothing is left. Raises AssertionError."""
        ended = [self._ended(job) for job in self.jobs]
        assert {job["state"] for job in ended} == {"succeeded"}, [(j["id"], j["state"], j["end_reason"]) for j in ended]
        hashes = {self._weights(job) for job in ended}
        assert len(hashes) == 1, hashes
        self._promises_hold()
        self.stack.stop()
        assert self.stack.living() == []
        print(f"  {len(ended)} jobs, weights of all {hashes.pop()}", flush=True)

    def _promises_hold(self) -> None:
        """At once, or when what was killed last has settled. Raises AssertionError with what is broken."""
        homes, began = [str(home) for home in device_homes(self.stack)], time.monotonic()
        while True:
            try:
                self.stack.manage("check_invariants", "--settle", "0", "--disk", *homes)
                return
            except AssertionError:
                if time.monotonic() - began > SETTLE_S:
                    raise

    def tell(self) -> None:
        kills = sum(map(len, self.took.values()))
        print(f"{kills} kills, {len(self.jobs)} jobs: 0 lost, 0 violations, 0 processes left")
        for role, seconds in sorted(self.took.items()):
            middle = statistics.median(seconds)
            print(f"  {role:<14} {len(seconds):>4} kills   on after p50 {middle:5.1f} s, most {max(seconds):5.1f} s")

    def _training_job(self) -> int:
        """A job with steps to go; a new one when the last is nearly over."""
        if not self.jobs or self._job(self.jobs[-1])["state"] == "succeeded" or self._is_nearly_over():
            if self.jobs:
                self._ended(self.jobs[-1])
            self.jobs.append(self.stack.submit(**self.spec)["id"])
        job = self.jobs[-1]
        wait_until(lambda: self._trains(job), GOES_ON_WITHIN_S, f"job {job} trains", every=0.2)
        return job

    def _is_nearly_over(self) -> bool:
        return self._step(self.jobs[-1]) > 0.8 * self.spec["training"]["max_steps"]

    def _trains(self, job: int) -> bool:
        seen = self._job(job)
        return seen.get("state") == "running" and bool(seen["attempts"][-1]["ranks"]) and self._step(job) > 20

    def _is_over(self, job: int) -> bool:
        return self._job(job).get("state") == "succeeded"

    def _step(self, job: int) -> int:
        attempts = self._job(job).get("attempts") or []
        return _step_of(attempts[-1]) if attempts else 0

    def _job(self, job: int) -> dict:
        """{} while the web process is away."""
        try:
            return self.stack.job(job)
        except (OSError, ValueError, http.client.HTTPException):
            return {}

    def _ended(self, job: int) -> dict:
        ends = {"succeeded", "failed", "cancelled"}
        return wait_until(lambda: (seen := self._job(job)).get("state") in ends and seen, ENDS_WITHIN_S, every=0.5)

    def _weights(self, job: dict) -> str:
        files = self.stack.api("GET", f"/jobs/{job['id']}/artifacts/")[1]["results"]
        return next(file["sha256"] for file in files if file["name"] == "model.safetensors")


def _step_of(attempt: dict) -> int:
    """The step that all its ranks have reached, as far as it was told."""
    return min((rank["step"] for rank in attempt["ranks"]), default=0)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--only", choices=ROLES, help="kill processes of this role only")
    options = parser.parse_args()
    print(f"chaos: {options.kills} kills; again with: make chaos N={options.kills} SEED={options.seed}", flush=True)
    home = Path(tempfile.mkdtemp(prefix="fleetune-chaos-"))
    monkey = Monkey(Stack(home, demo=False), options.seed)
    try:
        monkey.prepare()
        for _ in range(options.kills):
            monkey.kill(options.only)
        monkey.finish()
        monkey.tell()
    except AssertionError:
        print(f"failed with SEED={options.seed}; what it left is in {home}", file=sys.stderr, flush=True)
        raise
    finally:
        monkey.stack.stop()
    shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
