"""How long batches take on this device alone, and how much memory: what a preflight tells the planner."""

import statistics
import time
from dataclasses import replace
from typing import Any

from training.assembly import WISHES, Parts
from training.devices import peak_memory
from training.failures import is_out_of_memory
from training.rank import Rank
from training.sampler import Sampler
from training.step import Step, take_step

PASSES, MOST_PASSES, PASSES_S = 3, 30, 1.0
"""at least so many, and more while they take no longer together; the first one loads and chooses kernels"""
OTHER_SIZES = (0.5, 2.0)
"""of the batch, measured too where a step is quick, so that a better one can be proposed"""
QUICK_S = 1.0
LOOKED_AT = 256
"""samples at the most that are evaluated, to know how long that takes"""


def batch_times(parts: Parts, rank: Rank, steps: list[Step]) -> dict[str, Any]:
    """step_seconds and peak_memory_bytes of the batch in question, of which `steps` were taken;
    evaluated_sample_seconds; and `batches`: {size: {seconds, peak_memory_bytes}}, other sizes where steps are quick."""
    peak, seconds = peak_memory(rank.device), _median(steps)
    own = {str(parts.sampler.global_batch): {"seconds": seconds, "peak_memory_bytes": peak}}
    return {
        "step_seconds": seconds,
        "peak_memory_bytes": peak,
        "evaluated_sample_seconds": _looked(parts),
        "batches": own | (_other_sizes(parts, rank) if seconds < QUICK_S else {}),
    }


def steps_of(parts: Parts, rank: Rank, passes: int = MOST_PASSES) -> list[Step]:
    """Real optimizer steps of this rank alone: at least PASSES, at most `passes`."""
    steps: list[Step] = []
    began = time.monotonic()
    while len(steps) < PASSES or (len(steps) < passes and time.monotonic() - began < PASSES_S):
        steps.append(take_step(parts, len(steps) + 1, (0.0,) * len(WISHES), rank.device))
        rank.sign.touch()
    return steps


def _median(steps: list[Step]) -> float:
    return statistics.median(step.seconds for step in steps[1:])


def _other_sizes(parts: Parts, rank: Rank) -> dict[str, dict[str, float]]:
    """The same of smaller and larger batches, the larger one last: the peak of memory only rises.

    One that has no memory is left out: the job did not ask for it.
    """
    found: dict[str, dict[str, float]] = {}
    for factor in OTHER_SIZES:
        size = round(parts.sampler.global_batch * factor)
        if 1 <= size <= parts.sampler.samples:
            sampler = Sampler(parts.sampler.samples, batch_size=size, rank=0, world_size=1, seed=0)
            try:
                steps = steps_of(replace(parts, sampler=sampler), rank, PASSES)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                return found
            found[str(size)] = {"seconds": _median(steps), "peak_memory_bytes": peak_memory(rank.device)}
    return found


def _looked(parts: Parts) -> float:
    """Seconds of one sample of an evaluation; 0 when there is nothing to evaluate on."""
    split = next((name for name in ("validation", "test") if len(parts.data.splits.get(name, ()))), "")
    samples = min(LOOKED_AT, len(parts.data.splits[split])) if split else 0
    began = time.perf_counter()
    if samples:
        parts.evaluator.first(split, samples)
    return (time.perf_counter() - began) / samples if samples else 0.0
