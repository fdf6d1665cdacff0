"""The front of quality, latency and size, and the best that keeps the limits."""

from typing import Any

import pytest

from contract.requirement import parse
from results.pareto import choose


def row(artifact: str, accuracy: float, p50: float, size: int, device: str = "a", **more: Any) -> dict[str, Any]:
    facts = {"artifact": artifact, "device": device, "state": "done", "metrics": {"accuracy": accuracy}}
    return facts | {"latency_ms": {"p50": p50, "p99": 2 * p50, "n": 50}, "file_bytes": size, "samples": 100} | more


ROWS = [
    row("good.pt2", 0.99, 10, 9_000_000),
    row("fast.onnx", 0.95, 1, 8_000_000),
    row("small.onnx", 0.90, 2, 1_000_000),
    row("beaten.onnx", 0.89, 3, 2_000_000),
    row("failed.onnx", 1.0, 1, 1, state="failed"),
    row("untimed.onnx", 1.0, 1, 1, latency_ms=None),
]


def chosen(*limits: str, rows: list = ROWS, **more: Any):
    return choose(rows, "accuracy", [parse(text) for text in limits], **more)


def test_the_front_holds_what_nothing_beats_in_all_three_in_order_of_latency():
    found = chosen()
    assert [one.file for one in found.front] == ["fast.onnx", "small.onnx", "good.pt2"]
    assert {one.file for one in found.candidates} - {one.file for one in found.front} == {"beaten.onnx"}


@pytest.mark.parametrize(
    ("limits", "best"),
    [
        ((), "good.pt2"),
        (("p50 <= 5 ms",), "fast.onnx"),
        (("p99 <= 5 ms", "file <= 2 MB"), "small.onnx"),
        (("eval/accuracy >= 0.96",), "good.pt2"),
        (("file of good.pt2 <= 1 MB",), "fast.onnx"),
        (("p50 <= 0.1 ms on b",), "good.pt2"),
        (("training <= 1 s", "train/loss <= 0"), "good.pt2"),
        (("p50 <= 0.5 ms",), None),
        (("memory <= 1 GB",), None),
    ],
)
def test_the_best_is_the_best_of_those_that_keep_every_limit_about_them(limits, best):
    found = chosen(*limits)
    assert (found.best.file if found.best else None) == best


def test_what_was_not_measured_is_not_kept_and_named():
    assert chosen("memory <= 1 GB").candidates[0].missed == ("memory <= 1 GB",)


def test_where_lower_is_better_the_front_turns():
    rows = [row("a", 0.1, 5, 5), row("b", 0.2, 5, 5)]
    assert [one.file for one in chosen(rows=rows, higher_is_better=False).front] == ["a"]


def test_equal_ones_stand_side_by_side():
    rows = [row("a", 0.9, 5, 5), row("a", 0.9, 5, 5, device="b")]
    assert len(chosen(rows=rows).front) == 2
