"""The job spec: complete when it is accepted, and every problem at once when it is not."""

import pytest

from contract.problems import Invalid
from contract.spec import JobSpec, completed

SMALLEST = {"task": "image-classification", "dataset": "mnist-5k", "model": {"source": "dense", "hidden": [64, 64]}}


def problems(**more) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        JobSpec.parse(SMALLEST | more)
    return {problem.path: str(problem) for problem in refused.value.problems}


def test_three_parts_are_enough_and_the_complete_spec_reads_as_the_same():
    spec = JobSpec.parse(SMALLEST)
    assert JobSpec.parse(spec.to_json()) == spec


def test_every_problem_is_told_at_once_whatever_its_kind():
    found = problems(
        task="image-clasification",
        trainng={},
        model={"source": "dense", "hidden": [-1]},
        training={"learning_rat": 3, "num_train_epochs": 0, "optim": "adamm", "seed": "x"},
        requirements=["banana"],
    )
    assert found.keys() == {
        "task",
        "trainng",
        "model.hidden",
        "training.learning_rat",
        "training.num_train_epochs",
        "training.optim",
        "training.seed",
        "requirements.0",
    }
    assert found["training.learning_rat"].endswith("Did you mean 'learning_rate'?")


@pytest.mark.parametrize("missing", ["task", "dataset", "model"])
def test_what_is_required_and_missing_is_named_alone(missing):
    body = {name: value for name, value in SMALLEST.items() if name != missing}
    with pytest.raises(Invalid) as refused:
        JobSpec.parse(body)
    assert [problem.path for problem in refused.value.problems] == [missing]


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_what_is_no_object_is_refused_as_such(body):
    with pytest.raises(Invalid, match="JSON object"):
        JobSpec.parse(body)


@pytest.mark.parametrize(
    ("training", "path"),
    [
        ({"learning_rate": 1e308}, "training.learning_rate"),
        ({"learning_rate": float("nan")}, "training.learning_rate"),
        ({"seed": 2**70}, "training.seed"),
        ({"num_train_epochs": 10**9}, "training.num_train_epochs"),
        ({"per_device_train_batch_size": True}, "training.per_device_train_batch_size"),
        ({"bf16": "sometimes"}, "training.bf16"),
    ],
)
def test_impossible_numbers_are_refused_by_their_path(training, path):
    """S43"""
    assert list(problems(training=training)) == [path]


def test_a_spec_of_an_earlier_version_is_completed_and_keeps_what_it_says():
    whole = JobSpec.parse({"task": "image-classification", "dataset": "d", "model": {"source": "dense"}}).to_json()
    training = {key: value for key, value in whole["training"].items() if key not in ("ema_decay", "warmup_ratio")}
    old = {key: value for key, value in whole.items() if key != "parallel"} | {"training": training | {"seed": 7}}

    assert completed(old) == whole | {"training": whole["training"] | {"seed": 7}}
    assert completed(whole) == whole
