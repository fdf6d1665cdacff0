"""How fast a runner answers: one sample at a time, and in batches."""

import time
from collections.abc import Callable
from typing import Any

import torch

WARM_UP = 10
LEAST, MOST = 30, 300
SECONDS = 3.0
"""for one figure, whatever was counted by then"""
BATCH_SECONDS = 0.5
BATCHES = (1, 8, 32, 128)


def latency_ms(answer: Callable[[], Any], still_here: Callable[[], None]) -> dict[str, float]:
    """Milliseconds of one call: p50, p90, p99 over n calls, the first WARM_UP not counted."""
    for _call in range(WARM_UP):
        answer()
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < MOST and (len(times) < LEAST or time.perf_counter() - began < SECONDS):
        start = time.perf_counter()
        answer()
        times.append((time.perf_counter() - start) * 1000)
        if len(times) % LEAST == 0:
            still_here()
    p50, p90, p99 = torch.quantile(torch.tensor(times), torch.tensor([0.5, 0.9, 0.99])).tolist()
    return {"p50": p50, "p90": p90, "p99": p99, "n": len(times)}


def throughput(
    runner: Callable[[torch.Tensor], Any], inputs: torch.Tensor, still_here: Callable[[], None]
) -> dict[str, float]:
    """Samples a second by batch size, over at least BATCH_SECONDS each; batches larger than `inputs` are left out."""
    rates = {}
    for size in BATCHES:
        if size > len(inputs):
            break
        batch, answered = inputs[:size], 0
        runner(batch)
        began = time.perf_counter()
        while time.perf_counter() - began < BATCH_SECONDS:
            runner(batch)
            answered += size
            still_here()
        rates[str(size)] = answered / (time.perf_counter() - began)
    return rates
