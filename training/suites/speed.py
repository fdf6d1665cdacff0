"""How fast the file answers on this device, and what memory that takes."""

from typing import Any

from training.devices import peak_memory
from training.latency import BATCHES, latency_ms, throughput
from training.suites.subject import Subject


def speed(subject: Subject) -> dict[str, Any]:
    """latency_ms (p50, p90, p99, n), throughput (samples a second by batch size), peak_memory_bytes"""
    one = subject.first(1)
    return {
        "latency_ms": latency_ms(lambda: subject.answers(one), subject.still_here),
        "throughput": throughput(subject.answers, subject.first(BATCHES[-1]), subject.still_here),
        "peak_memory_bytes": peak_memory(subject.rank.device),
    }
