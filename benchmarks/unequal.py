"""One rank held to half a core: even shares of a batch against shares by measured speed, in turn.

    python -m benchmarks.unequal [--rounds 3] [--steps 200]

A process that only counts shares the core of rank 1, so that rank 1 gets about half of it. Said are seconds of training
and the accuracy on the test split, which must not suffer.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
from pathlib import Path

from tests.training.factories import events, mnist, prepared_data, spec
from tests.training.ranks import Attempt, Starter

CONV = {"source": "conv", "channels": [16, 32], "hidden": [64]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"even": [], "measured": []}
    with tempfile.TemporaryDirectory() as home, Rival():
        data = prepared_data(Path(home), *mnist())
        with Starter(Path(home)) as starter:
            for number in range(options.rounds):
                for shares, results in found.items():
                    results.append(_trained(starter, Path(home) / f"{shares}{number}", data, shares, options.steps))
                    print(f"{shares:9} {results[-1][0]:6.2f} s, accuracy {results[-1][1]:.4f}", flush=True)
    seconds = {shares: statistics.median(each[0] for each in results) for shares, results in found.items()}
    print(f"median of {options.rounds}: measured shares are {seconds['even'] / seconds['measured']:.2f} × as fast")


def _trained(starter: Starter, home: Path, data: Path, shares: str, steps: int) -> tuple[float, float]:
    """Seconds of the third stage and accuracy of the result."""
    training = {"max_steps": steps, "per_device_train_batch_size": 64, "eval_steps": steps}
    parallel, export = {"shares": shares}, {"formats": ["safetensors"]}
    attempt = Attempt(starter, home, spec(model=CONV, training=training, parallel=parallel, export=export), [data] * 2)
    outcomes = {report["outcome"] for report in attempt.run(within=600)}
    assert outcomes == {"succeeded"}, outcomes
    ended = events(attempt.paths(0), "stage", stage="fine_tune", state="ended")[0]["data"]
    return ended["seconds"], events(attempt.paths(0), "evaluation")[0]["data"]["metrics"]["accuracy"]


class Rival:
    """Keeps the second core half busy while it is open."""

    def __enter__(self) -> None:
        core = sorted(os.sched_getaffinity(0))[1]
        self._process = multiprocessing.get_context("spawn").Process(target=_count, args=(core,), daemon=True)
        self._process.start()

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.join()


def _count(core: int) -> None:
    os.sched_setaffinity(0, [core])
    while True:
        pass


if __name__ == "__main__":
    main()
