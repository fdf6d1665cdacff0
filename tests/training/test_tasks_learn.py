"""Every task as a real attempt on two ranks: it learns what is there, and leaves an ONNX file that says the same."""

import pytest

from tests.training import task_data
from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration


def run(starter, place, data, task, model, **more):
    training = {"per_device_train_batch_size": 16, "learning_rate": 0.003, "optim": "adamw", **more.pop("training", {})}
    job = spec(task=task, model=model, training=training, **more)
    attempt = Attempt(starter, place, job, [data, data])
    reports = attempt.run(120)
    assert [report["outcome"] for report in reports] == ["succeeded", "succeeded"], attempt.log(0)
    return attempt


def measured(attempt):
    """What both ranks measured, which has to be the same."""
    first, second = (events(attempt.paths(rank), "evaluation")[0]["data"]["metrics"] for rank in attempt.ranks)
    assert first == second
    return first


def onnx_agreement(attempt):
    [made] = events(attempt.paths(0), "artifact", name="model.onnx")
    assert "error" not in made["data"], made["data"]
    return made["data"]["parity"]["agreement"]


def test_a_table_is_told_apart(starter, tmp_path, data_dir):
    attempt = run(starter, tmp_path, task_data.wine(data_dir), "tabular-classification", {"source": "dense"},
                  training={"num_train_epochs": 20})  # fmt: skip
    assert measured(attempt)["accuracy"] >= 0.9
    assert onnx_agreement(attempt) == 1.0


def test_a_number_is_predicted_better_than_by_its_mean(starter, tmp_path, data_dir):
    attempt = run(starter, tmp_path, task_data.diabetes(data_dir), "tabular-regression",
                  {"source": "dense", "hidden": [16]}, training={"num_train_epochs": 25})  # fmt: skip
    metrics = measured(attempt)
    assert metrics["r2"] >= 0.3 and 40 < metrics["rmse"] < 66, metrics
    assert list(points(attempt.paths(0), "eval/rmse"))
    assert onnx_agreement(attempt) == 1.0


def test_several_labels_of_one_picture(starter, tmp_path, data_dir):
    data = task_data.pairs_of_digits(data_dir, {"train": 800, "validation": 100, "test": 100})
    attempt = run(
        starter, tmp_path, data, "image-classification", {"source": "conv"}, training={"num_train_epochs": 12}
    )
    metrics = measured(attempt)
    assert metrics["accuracy"] >= 0.3 and metrics["f1_macro"] >= 0.6, metrics
    assert onnx_agreement(attempt) == 1.0


def test_languages_are_told_apart(starter, tmp_path, data_dir):
    data = task_data.languages(data_dir, length=48, each=200, names=("de", "fr", "fi", "tr"))
    attempt = run(starter, tmp_path, data, "text-classification", {"source": "text"}, training={"num_train_epochs": 6})
    assert measured(attempt)["accuracy"] >= 0.75
    assert onnx_agreement(attempt) == 1.0


def test_a_few_answers_are_learnt_by_heart(starter, tmp_path, data_dir):
    data = task_data.questions(data_dir, count=8, length=32)
    attempt = run(starter, tmp_path, data, "causal-lm", {"source": "lm", "width": 64, "depth": 2},
                  training={"max_steps": 120, "per_device_train_batch_size": 4, "eval_steps": 60})  # fmt: skip
    metrics = measured(attempt)
    assert metrics["exact_match"] >= 0.9 and metrics["perplexity"] < 1.5, metrics
    assert onnx_agreement(attempt) == 1.0


def test_a_small_transformer_sees(starter, tmp_path, data_dir):
    data = prepared_data(data_dir, *tiny(400), classes=["a", "b", "c"])
    attempt = run(starter, tmp_path, data, "image-classification", {"source": "vit", "width": 32, "depth": 1},
                  training={"num_train_epochs": 12})  # fmt: skip
    assert measured(attempt)["accuracy"] >= 0.9
    assert onnx_agreement(attempt) == 1.0


def test_objects_begin_to_be_found(starter, tmp_path, data_dir):
    """The full run and its threshold are in docs/training.md; here that mAP rises, and that it is the boxes' doing."""
    data = task_data.canvases(data_dir, {"train": 160, "validation": 32, "test": 48})
    attempt = run(
        starter,
        tmp_path,
        data,
        "object-detection",
        {"source": "detector", "channels": [16, 32, 32]},
        training={"num_train_epochs": 8, "per_device_train_batch_size": 8, "learning_rate": 0.004},
    )
    rising = list(points(attempt.paths(0), "eval/map_50").values())
    assert rising[0] < rising[-1] and measured(attempt)["map_50"] > 0.05, rising
    assert onnx_agreement(attempt) >= 0.95
