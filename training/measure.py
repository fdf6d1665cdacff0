"""The errand `evaluate`: one file of a finished job, run on this device as it lies on disk, measured and compared.

It is held against the trained model's own answers, which the job kept beside its weights (`reference.py`), so that
weights that were changed since are found out too.
"""

import math
import time
from pathlib import Path
from typing import Any

import torch

from contract.agent_calls import Go
from contract.reasons import EndReason
from training.data import Data
from training.devices import peak_memory
from training.failures import Ending, Failure, answer_of
from training.latency import BATCHES, latency_ms, throughput
from training.preprocess import open_data, prove_data
from training.rank import Rank
from training.reference import compared, first_rows
from training.rendezvous import Group
from training.runners import Runner, runner_of

LOAD_S = 120.0
"""of no sign of life while a file is loaded and run for the first time"""


def measure(rank: Rank, go: Go) -> Ending:
    """Succeeds whenever it has an answer; `ok` in it says which.

    answer: ok, metrics, samples, details, latency_ms, throughput, cold_start_seconds, peak_memory_bytes, file_bytes,
    parity, runtime; or ok, reason, detail.
    """
    return answer_of(lambda: _measured(rank, go))


def _measured(rank: Rank, go: Go) -> dict[str, Any]:
    data = prove_data(rank, open_data(go), Group(0, 1))
    wanted = rank.assignment.errand
    path, split = Path(go.model_dir) / wanted["artifact"], wanted["split"]
    if not data.splits.get(split):
        raise Failure(EndReason.BAD_DATA, f"the data has no samples in its split '{split}'")
    rank.sign.enter("evaluate", LOAD_S)
    began = time.perf_counter()
    runner = runner_of(path, rank, data)
    one = first_rows(data, split, 1)
    runner(one)
    cold_start = time.perf_counter() - began
    metrics, details = _quality(runner, rank, data, split)
    return {
        "metrics": metrics,
        "details": details,
        "samples": len(data.splits[split]),
        "latency_ms": latency_ms(lambda: runner(one), rank.still_here),
        "throughput": throughput(runner, first_rows(data, split, BATCHES[-1]), rank.still_here),
        "cold_start_seconds": cold_start,
        "peak_memory_bytes": peak_memory(rank.device),
        "file_bytes": path.stat().st_size,
        "parity": compared(runner, data, rank.spec["evaluation"]["split"], path),
        "runtime": runner.runtime,
    }


def _quality(runner: Runner, rank: Rank, data: Data, split: str) -> tuple[dict[str, float], dict[str, Any]]:
    """Every metric of the task over the whole split, and what the task can tell beyond numbers."""
    task, rows = data.task, torch.arange(len(data.splits[split]))
    tallies = []
    for batch in rows.split(rank.spec["training"]["per_device_eval_batch_size"]):
        inputs, targets = task.collate(data.splits[split], batch)
        tallies.append(task.tally_exported(runner(inputs), targets))
        rank.still_here()
    joined = torch.cat(tallies) if task.tallies_are_rows else torch.stack(tallies).sum(0)
    metrics = {name: value for name, value in task.metrics(joined).items() if math.isfinite(value)}
    return metrics, task.details(joined)
