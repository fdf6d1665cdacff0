"""Limits held against what was measured: the worst value counts, and what nobody measured is never called met."""

from typing import Any

import pytest

from contract.requirement import parse
from jobs.judging import Facts, judged
from jobs.requirement_words import shown


def row(artifact: str, device: str, **more: Any) -> dict[str, Any]:
    facts = {
        "artifact": artifact,
        "device": device,
        "state": "done",
        "metrics": {"accuracy": 0.9},
        "samples": 500,
        "latency_ms": {"p50": 1.0, "p99": 4.0, "n": 100},
        "throughput": {"1": 400.0, "32": 9000.0},
        "cold_start_seconds": 0.2,
        "peak_memory_bytes": 50_000_000,
    }
    return facts | more


ROWS = [
    row("model.safetensors", "a"),
    row("model.safetensors", "b", latency_ms={"p50": 2.0, "p99": 25.0, "n": 90}, metrics={"accuracy": 0.89}),
    row("model.onnx", "a", latency_ms={"p50": 0.5, "p99": 1.0, "n": 80}, metrics={"accuracy": 0.2}),
    row("model.pt2", "a", state="failed", metrics={}, latency_ms=None, throughput=None),
]
SIZES = {"model.safetensors": 4_000_000, "model.onnx": 12_000_000}


def verdict(text: str, *, final: bool = True, rows: list | None = None, seconds: float | None = 600.0):
    last = {"eval/accuracy": 0.91, "train/loss": float("nan")}
    given = ROWS if rows is None else rows
    facts = Facts(last=last, final=final, rows=lambda: given, files=lambda: SIZES, seconds=lambda: seconds)
    return judged(parse(text), facts)


@pytest.mark.parametrize(
    ("text", "value", "where", "expected"),
    [
        ("eval/accuracy >= 0.9", 0.91, ("", ""), "met"),
        ("eval/accuracy >= 0.95", 0.91, ("", ""), "missed"),
        ("eval/accuracy@b >= 0.9", 0.89, ("model.safetensors", "b"), "missed"),
        ("eval/accuracy of model.onnx >= 0.5", 0.2, ("model.onnx", "a"), "missed"),
        ("p99 <= 20 ms", 25.0, ("model.safetensors", "b"), "missed"),
        ("p99 <= 20 ms on A", 4.0, ("model.safetensors", "a"), "met"),
        ("p99 of model.onnx <= 20 ms", 1.0, ("model.onnx", "a"), "met"),
        ("throughput >= 9500", 9000.0, ("model.safetensors", "a"), "missed"),
        ("memory <= 100 MB", 50_000_000, ("model.safetensors", "a"), "met"),
        ("cold_start <= 100 ms", 0.2, ("model.safetensors", "a"), "missed"),
        ("file <= 10 MB", 12_000_000, ("model.onnx", ""), "missed"),
        ("file of model.safetensors <= 10 MB", 4_000_000, ("model.safetensors", ""), "met"),
        ("training <= 15 min", 600.0, ("", ""), "met"),
    ],
)
def test_the_worst_measured_value_decides_and_says_where_it_was_taken(text, value, where, expected):
    found = verdict(text)
    assert (found["value"], (found["file"], found["device"]), found["verdict"]) == (value, where, expected)


@pytest.mark.parametrize(
    "text", ["p99 <= 20 ms on c", "eval/recall >= 0.1", "file of model.pt2 <= 10 MB", "memory of none <= 1 GB"]
)
def test_what_nobody_measured_is_unknown_and_never_met(text):
    found = verdict(text)
    assert (found["value"], found["verdict"]) == (None, "unknown")
    assert verdict(text, final=False)["verdict"] == "open"


def test_a_value_that_is_no_number_is_missed():
    found = verdict("train/loss <= 1")
    assert (found["value"], found["verdict"]) == (None, "missed")


def test_a_running_job_may_still_reach_its_limit():
    assert verdict("eval/accuracy >= 0.95", final=False)["verdict"] == "open"
    assert verdict("training <= 15 min", seconds=None, final=False)["verdict"] == "open"


def test_the_figure_is_told_with_unit_place_and_n():
    assert shown(verdict("p99 <= 20 ms on a")) == "4.00 ms · model.safetensors on a · n = 100"
    assert shown(verdict("file <= 10 MB")) == "12.0 MB · model.onnx"
    assert shown(verdict("training <= 15 min")) == "10 min"
    assert shown(verdict("eval/accuracy >= 0.9")) == "91.0%"
    assert shown(verdict("p99 <= 20 ms on c")) == ""
