"""What checkpoints cost a training that says nothing about them: seconds at saves against all seconds of steps.

    python -m benchmarks.saves [--seconds 60]

`held up` is the time in which the loop itself stood at a save; `slower` is what steps took longer than the others while
a thread beside them wrote the files.
"""

import argparse
import itertools
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.training.factories import batches, events, mnist, prepared_data, spec
from tests.training.ranks import Attempt, Starter

NETS: dict[str, dict[str, Any]] = {
    "dense, 55 thousand weights": {"source": "dense", "hidden": [64, 64]},
    "dense, 9 million weights": {"source": "dense", "hidden": [2500, 2500]},
}
STEP_SECONDS = "train/step_seconds"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as home:
        data = prepared_data(Path(home), *mnist())
        with Starter(Path(home)) as starter:
            for name, net in NETS.items():
                job = spec(
                    model=net, training={"max_steps": 10_000_000, "optim": "adam"}, schedule={"max_seconds": seconds}
                )
                attempt = Attempt(starter, Path(home) / name, job, [data])
                assert {report["outcome"] for report in attempt.run(within=seconds + 120)} == {"succeeded"}
                print(f"{name}: {_cost(attempt)}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _cost(attempt: Attempt) -> str:
    paths = attempt.paths(0)
    spent = events(paths, "stage", stage="fine_tune", state="ended")[0]["data"]
    saves = [(event["time"] - event["data"]["seconds"], event["time"]) for event in events(paths, "checkpoint")]
    all_of_it = sum(spent[f"{what}_seconds"] for what in ("working", "waiting", "looking", "saving"))
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(saves)]
    return (
        f"{len(saves)} saves in {all_of_it:.0f} s, {min(gaps, default=0):.1f} s apart at least; held up "
        f"{spent['saving_seconds'] / all_of_it:.2%}, slower {_slower(attempt, saves):.2%} of all step time (< 5 %)"
    )


def _slower(attempt: Attempt, saves: list[tuple[float, float]]) -> float:
    """What steps cost more while files were written, as a share of all step time."""
    frames = [frame for batch in batches(attempt.paths(0)) for frame in batch["frames"]]
    frames = [frame for frame in frames if STEP_SECONDS in frame["columns"]]
    seconds = np.concatenate([frame["columns"][STEP_SECONDS] for frame in frames])
    ends = np.concatenate([frame["times"] for frame in frames])
    beside = np.any([(ends > began) & (ends <= ended) for began, ended in saves], axis=0)
    if not beside.any() or beside.all():
        return 0.0
    return float((seconds[beside] - statistics.median(seconds[~beside])).sum() / seconds.sum())


if __name__ == "__main__":
    main()
