"""What the reporter costs a training step: CPU time of the call in the loop and of the thread that writes batches.

    python -m benchmarks.reporter [--steps 3000]

A loop of steps of about a millisecond, once with all the points of an image classification and once without, in turn;
the difference in CPU time of the whole process (writing, JSON and spool included) over the steps is the figure.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from training.reporter import Reporter
from training.step import point_keys

ROUNDS = 5
STEP_S = 0.001
KEYS = point_keys(("accuracy",))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    steps = parser.parse_args().steps
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            silent = _cpu_seconds(steps, None)
            told = _cpu_seconds(steps, Path(folder) / f"spool{number}")
            costs.append(1e6 * (told - silent) / steps)
            print(f"round {number + 1}: {costs[-1]:.1f} µs of CPU a step with {len(KEYS)} figures", flush=True)
    print(f"median {statistics.median(costs):.1f} µs, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _cpu_seconds(steps: int, spool: Path | None) -> float:
    reporter = Reporter(spool) if spool else None
    series = reporter.series(*KEYS) if reporter else None
    values = [0.123456789 + index for index in range(len(KEYS))]
    began = time.process_time()
    for step in range(1, steps + 1):
        time.sleep(STEP_S)
        if series:
            series.add(step, *values)
    if reporter:
        reporter.close()
    return time.process_time() - began


if __name__ == "__main__":
    main()
