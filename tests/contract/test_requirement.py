"""Limits as people write them."""

import pytest

from contract.requirement import NotARequirement, parse, requirement_problems


@pytest.mark.parametrize(
    ("text", "key", "sign", "limit", "file", "device"),
    [
        ("eval/accuracy >= 0.97", "eval/accuracy", ">=", 0.97, "", ""),
        ("eval/accuracy >= 97 %", "eval/accuracy", ">=", 0.97, "", ""),
        ("p99 ≤ 20 ms on device B", "latency/p99", "<=", 20, "", "B"),
        ("latency/p50@lab-1-cpu-0<0.02 s", "latency/p50", "<", 20, "", "lab-1-cpu-0"),
        ("file ≤ 10 MB", "size", "<=", 10_000_000, "", ""),
        ("size of model.onnx <= 1 MiB", "size", "<=", 2**20, "model.onnx", ""),
        ("training ≤ 15 min", "duration", "<=", 900, "", ""),
        ("throughput >= 500 samples/s on gpu0", "throughput", ">=", 500, "", "gpu0"),
        ("memory of model.onnx@a <= 200 MB", "memory", "<=", 2e8, "model.onnx", "a"),
        ("train/loss <= 2.5e-1", "train/loss", "<=", 0.25, "", ""),
    ],
)
def test_a_limit_names_what_where_and_how_much(text, key, sign, limit, file, device):
    found = parse(text)
    assert (found.key, found.sign, found.file, found.device) == (key, sign, file, device)
    assert found.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("be good", "Write it like"),
        ("", "Write it like"),
        ("speed <= 3", "Nobody measures 'speed'"),
        ("file <= 3 s", "'size' is not measured in 's'. Use B, kB"),
        ("training <= 3 min on a", "same on every device"),
        ("p99@a <= 3 ms on b", "Write it like"),
        ("eval/accuracy >= 3 ms", "not measured in 'ms'"),
    ],
)
def test_what_is_no_limit_is_refused_with_what_to_write_instead(text, why):
    with pytest.raises(NotARequirement):
        parse(text)
    [problem] = requirement_problems([text])
    assert problem.path == "requirements.0"
    assert why in str(problem)
