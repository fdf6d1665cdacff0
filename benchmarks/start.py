"""POST of a job to its first optimizer step on two CPU devices, against a cold `torchrun` of the same net, in turn.

    python -m benchmarks.start [--rounds 5]

A whole Fleetune of its own runs meanwhile, its data prepared by a first job that does not count. Times are of the wall:
of ours from just before the request to the time that rank 0 noted with its first point, so that control, doorbell,
agent, starter, proofs of data and model and the meeting of the ranks are all in it; of the peer from the command to the
end of `optimizer.step()`. Each job has a seed of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from tests.e2e.stack import Stack, free_port

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / "benchmarks" / "peers" / "torchrun_dense.py"
JOB = {"task": "image-classification", "dataset": "mnist-5k", "model": {"source": "dense", "hidden": [64, 64]}}
WAY = ("claimed", "starting", "running")
JOB |= {"devices": {"count": 2}, "export": {"formats": ["safetensors"]}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    ours, peer = [], []
    with tempfile.TemporaryDirectory() as home:
        stack = Stack(Path(home), demo=False)
        try:
            stack.start(within=300)
            stack.add_builtin("mnist-5k", within=120)
            _started(stack, 0)
            for number in range(1, rounds + 1):
                ours.append(_started(stack, number))
                peer.append(_cold_torchrun())
                print(f"round {number}: ours {ours[-1]:.3f} s, torchrun {peer[-1]:.3f} s", flush=True)
        finally:
            stack.stop()
    ratio = statistics.median(cold / warm for cold, warm in zip(peer, ours, strict=True))
    print(f"median: ours {statistics.median(ours):.3f} s, torchrun {statistics.median(peer):.3f} s, 1/{ratio:.1f}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _started(stack: Stack, seed: int) -> float:
    """Seconds from the request to the first step; waits until the job has ended."""
    began = time.time()
    job = stack.submit(**JOB, training={"max_steps": 20, "seed": seed, "eval_steps": 20})
    answered = time.time()
    assert stack.ended(job["id"], 120)["state"] == "succeeded"
    (series,) = stack.api("GET", f"/jobs/{job['id']}/metrics/?key=train/loss&rank=0")[1]["series"]
    first = _seconds(series["times"][0])
    steps = stack.api("GET", f"/jobs/{job['id']}/transitions/")[1]["results"]
    on_the_way = {row["to"]: _seconds(row["at"]) - began for row in steps if row["to"] in WAY}
    told = ", ".join(f"{state} {seconds:.2f}" for state, seconds in sorted(on_the_way.items(), key=lambda one: one[1]))
    print(f"answered {answered - began:.2f}, {told}, first step {first - began:.2f}", flush=True)
    return first - began


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _cold_torchrun() -> float:
    began = time.time()
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={free_port()}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, str(PEER)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return float(done.stdout.strip().splitlines()[-1]) - began


if __name__ == "__main__":
    main()
