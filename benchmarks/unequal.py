"""One rank held to half a core: even shares of a batch against shares by measured speed, in turn.

    python -m benchmarks.unequal [--rounds 3] [--steps 200] [--hold quota|rival] [--net conv|wide]

`quota` (the default; needs root and the `cpu` controller of cgroups v1) allows rank 1 50 ms of CPU in each 100 ms, and
lets both ranks go before other work of the machine, so that what else runs there matters little. `rival` lets a process
that only counts share the core of rank 1. Said are seconds from the start to the end of both ranks (of which so many of
training), the accuracy on the test split, which must not suffer, and the shares in the end.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from contract.run_dir import read_json
from tests.training.factories import events, mnist, points, prepared_data, spec
from tests.training.ranks import Attempt, Starter
from tests.waiting import wait_until

NETS = {
    "conv": {"source": "conv", "channels": [16, 32], "hidden": [64]},
    "wide": {"source": "conv", "channels": [32, 64], "hidden": [128]},
}
CPU_GROUPS = Path("/sys/fs/cgroup/cpu")
BEFORE_OTHERS = 20_480
"""weight of a group of ranks against 1,024 of any other process"""
QUOTA_US = 50_000
"""of each 100 ms"""


def main() -> None:
    options = _options()
    found: dict[str, list[tuple[float, float, float]]] = {"even": [], "measured": []}
    with tempfile.TemporaryDirectory() as home, Rival() if options.hold == "rival" else nullcontext():
        data = prepared_data(Path(home), *mnist())
        with Starter(Path(home)) as starter:
            for number in range(options.rounds):
                for shares, results in found.items():
                    results.append(_trained(starter, Path(home) / f"{shares}{number}", data, shares, options))
    for place, what in enumerate(("whole job", "training")):
        ratios = [even[place] / own[place] for even, own in zip(found["even"], found["measured"], strict=True)]
        told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{what}: measured shares are {statistics.median(ratios):.2f} × as fast (rounds: {told})")
    print(f"held by {options.hold}, net {options.net}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--hold", choices=("quota", "rival"), default="quota")
    parser.add_argument("--net", choices=NETS, default="conv")
    return parser.parse_args()


def _trained(
    starter: Starter, home: Path, data: Path, shares: str, options: argparse.Namespace
) -> tuple[float, float, float]:
    """Seconds from the start to the end of both ranks, those of the third stage, accuracy of the result."""
    training = {"max_steps": options.steps, "per_device_train_batch_size": 64, "eval_steps": options.steps}
    parallel, export = {"shares": shares}, {"formats": ["safetensors"]}
    job = spec(model=NETS[options.net], training=training, parallel=parallel, export=export)
    attempt = Attempt(starter, home, job, [data] * 2)
    with Quota() if options.hold == "quota" else nullcontext() as quota:
        attempt.start()
        if quota:
            quota.take(attempt)
        began = time.monotonic()
        outcomes = {report["outcome"] for report in attempt.go().wait(within=600)}
        seconds = time.monotonic() - began
    assert outcomes == {"succeeded"}, outcomes
    return seconds, *_told(attempt, shares, seconds)


def _told(attempt: Attempt, shares: str, seconds: float) -> tuple[float, float]:
    ended = events(attempt.paths(0), "stage", stage="fine_tune", state="ended")[0]["data"]
    accuracy = events(attempt.paths(0), "evaluation")[0]["data"]["metrics"]["accuracy"]
    chosen = events(attempt.paths(0), "choice", what="shares of a batch")
    last = chosen[-1]["data"]["chosen"] if chosen else "even"
    split = " | ".join(_split(attempt, rank) for rank in attempt.ranks)
    print(
        f"{shares:9} {seconds:6.2f} s, {ended['seconds']:6.2f} s of it training, accuracy {accuracy:.4f}, "
        f"shares {last} after {len(chosen)} changes; ms a step {split}",
        flush=True,
    )
    return ended["seconds"], accuracy


def _split(attempt: Attempt, rank: int) -> str:
    """Means over the second half of a rank's steps: its computing and its waiting."""
    means = []
    for key in ("compute", "wait"):
        values = list(points(attempt.paths(rank), f"train/{key}_seconds").values())
        means.append(1000 * statistics.fmean(values[len(values) // 2 :]))
    return f"rank {rank} computes {means[0]:.1f}, waits {means[1]:.1f}"


class Quota(AbstractContextManager):
    """Rank 1 gets half a core; both ranks go before other work."""

    def __init__(self) -> None:
        self._groups = [CPU_GROUPS / f"fleetune-unequal-{os.getpid()}-{rank}" for rank in range(2)]

    def __enter__(self) -> "Quota":
        for group in self._groups:
            group.mkdir()
            (group / "cpu.shares").write_text(str(BEFORE_OTHERS))
        (self._groups[1] / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
        return self

    def take(self, attempt: Attempt) -> None:
        for rank, group in enumerate(self._groups):
            wait_until((attempt.paths(rank).path / "pids.json").exists, within=20, about="the rank is there")
            pid = read_json(attempt.paths(rank).path / "pids.json")["rank"]
            (group / "cgroup.procs").write_text(str(pid))

    def __exit__(self, *_) -> None:
        for group in self._groups:
            wait_until(partial(_is_empty, group), within=20, about="the rank is gone")
            group.rmdir()


def _is_empty(group: Path) -> bool:
    return not (group / "cgroup.procs").read_text()


class Rival(AbstractContextManager):
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
