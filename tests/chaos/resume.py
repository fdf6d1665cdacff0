"""Runs that are killed at random steps and go on end with the weights of the undisturbed run, bit for bit.

    make chaos-resume N=6 [SEED=7]

At 1, 2 and 3 ranks in turn; every second run is killed twice. Both hashes of each run are printed.
"""

import argparse
import hashlib
import random
import secrets
import signal
import sys
import tempfile
from pathlib import Path

from tests.training.factories import prepared_data, spec, tiny
from tests.training.ranks import Attempt, Starter
from tests.waiting import wait_until

STEPS = 120
SETTINGS = {"per_device_train_batch_size": 8, "learning_rate": 0.01, "optim": "adam", "max_steps": STEPS}
JOB = {"model": {"source": "conv", "channels": [4, 8], "hidden": [16]}, "export": {"formats": ["safetensors"]}}
RANKS = (1, 2, 3)


class Resuming:
    """`starter` is shared by all runs; the hash of each undisturbed run is kept."""

    def __init__(self, starter: Starter, home: Path, seed: int):
        self.starter, self.home, self.random = starter, home, random.Random(seed)
        self.data = prepared_data(home / "data", *tiny(), classes=["a", "b", "c"])
        self.undisturbed: dict[int, str] = {}

    def run(self, number: int) -> tuple[str, str]:
        """The hashes of the undisturbed run and of the one that was killed."""
        world = RANKS[number % len(RANKS)]
        if world not in self.undisturbed:
            self.undisturbed[world] = self._to_the_end(self._attempt(f"calm-{world}", world))
        attempt = self._attempt(f"torn-{number}", world)
        for _ in range(1 + number % 2):
            attempt = self._killed(attempt)
        return self.undisturbed[world], self._to_the_end(attempt)

    def _attempt(self, name: str, world: int) -> Attempt:
        job = spec(**JOB, training=SETTINGS | {"save_steps": 10})
        return Attempt(self.starter, self.home / name, job, [self.data] * world)

    def _killed(self, attempt: Attempt) -> Attempt:
        """Kill a random rank at a random step, then the others; the attempt that goes on from there."""
        step, rank = self.random.randrange(1, STEPS), self.random.choice(list(attempt.ranks))
        attempt.start().go()
        ended = [attempt.paths(other).path / "ended.json" for other in attempt.ranks]
        wait_until(lambda: attempt.step(rank) >= step or any(path.exists() for path in ended), within=90, every=0.002)
        for victim in (rank, *(other for other in attempt.ranks if other != rank)):
            if not ended[victim].exists():
                attempt.signal(victim, signal.SIGKILL)
        attempt.wait()
        return attempt.again(max(attempt.saved_by_all(), default=0))

    def _to_the_end(self, attempt: Attempt) -> str:
        reports = attempt.run(within=120)
        assert {report["outcome"] for report in reports} == {"succeeded"}, reports
        return hashlib.sha256((attempt.paths(0).artifacts / "model.safetensors").read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    print(f"again with: make chaos-resume N={options.runs} SEED={options.seed}", flush=True)
    same = 0
    with tempfile.TemporaryDirectory(prefix="fleetune-resume-") as home, Starter(Path(home)) as starter:
        runs = Resuming(starter, Path(home), options.seed)
        for number in range(options.runs):
            calm, torn = runs.run(number)
            same += calm == torn
            print(f"  {RANKS[number % 3]} ranks, killed {1 + number % 2} x: {calm[:16]} {torn[:16]}", flush=True)
    print(f"{same} of {options.runs} interrupted runs are bit-exact")
    return 0 if same == options.runs else 1


if __name__ == "__main__":
    sys.exit(main())
