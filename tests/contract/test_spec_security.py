"""The part `security` of a job spec: complete when accepted, refused with the reason where it cannot be kept."""

import pytest

from contract.problems import Invalid
from contract.spec import JobSpec
from contract.spec_security import data_problems, default_delta

SMALLEST = {"task": "image-classification", "dataset": "mnist-5k", "model": {"source": "dense"}}
PRIVATE = {"dp": {"epsilon": 2.0}}


def problems(security=PRIVATE, **more) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        JobSpec.parse(SMALLEST | {"security": security} | more)
    return {problem.path: str(problem) for problem in refused.value.problems}


def test_epsilon_is_enough_and_the_rest_is_filled_in():
    spec = JobSpec.parse(SMALLEST | {"security": PRIVATE})
    assert spec.security["dp"] == {"epsilon": 2.0, "delta": 0.0, "max_grad_norm": 1.0, "noise_multiplier": 0.0}
    assert JobSpec.parse(spec.to_json()) == spec
    assert JobSpec.parse(SMALLEST).security == {} == JobSpec.parse(SMALLEST | {"security": {"dp": {}}}).security


def test_what_is_badly_written_is_told_with_its_place():
    found = problems({"dp": {"epsilonn": 1, "delta": 2, "max_grad_norm": True}, "watermark": 1})
    assert found.keys() == {
        "security.watermark",
        "security.dp.epsilonn",
        "security.dp.epsilon",
        "security.dp.delta",
        "security.dp.max_grad_norm",
    }
    assert problems({"dp": {"epsilon": -1}}).keys() == {"security.dp.epsilon"}
    assert problems({"dp": 3}) == {"security.dp": "Expected an object."}


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("parallel.strategy", {"parallel": {"strategy": "fsdp"}}),
        ("parallel.strategy", {"parallel": {"strategy": "tensor"}}),
        ("parallel.strategy", {"parallel": {"strategy": "pipeline"}}),
        ("parallel.strategy", {"parallel": {"strategy": "local-sgd"}}),
        ("method.use_dora", {"method": {"kind": "lora", "use_dora": True}}),
        ("training.torch_compile", {"training": {"torch_compile": True}}),
        ("training.bf16", {"training": {"bf16": "auto"}}),
        ("training.gradient_checkpointing", {"training": {"gradient_checkpointing": True}}),
    ],
)
def test_what_it_is_not_proven_with_is_refused_with_the_reason(path, part):
    found = problems(**part)
    assert path in found and found[path].endswith((".", "!"))
    JobSpec.parse(SMALLEST | part)  # without privacy the same is fine


@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_it_goes_with_every_method(method):
    assert JobSpec.parse(SMALLEST | {"security": PRIVATE, "method": {"kind": method}}).security


def test_delta_may_not_give_away_a_whole_sample():
    wish = {"dp": {"epsilon": 2.0, "delta": 0.002}}
    [problem] = data_problems(wish, 1000, [])
    assert problem.path == "security.dp.delta" and "1 in 1000" in str(problem) and "1e-05" in str(problem)
    assert data_problems(wish, 500, []) == []
    assert data_problems({}, 10, [{"step": "mixup"}]) == []
    assert (default_delta(100), default_delta(1_000_000)) == (1e-5, 1e-7)


def test_steps_that_blend_samples_are_refused():
    wish = {"dp": {"epsilon": 2.0, "delta": 0.0}}
    assert [problem.path for problem in data_problems(wish, 0, [{"step": "mixup"}, {"step": "flip"}])] == ["recipe"]
    assert [problem.path for problem in data_problems(wish, 0, [{"step": "pack"}])] == ["recipe"]
