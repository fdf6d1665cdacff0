"""The errand `evaluate`: any file of a finished job, run on a device as it lies on disk."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from recipes.prepared import open_prepared
from tests.training.factories import events, mnist, prepared_data, spec
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
FORMATS = ["safetensors", "onnx", "onnx-int8", "pt2"]
SETTINGS = {"num_train_epochs": 2, "per_device_train_batch_size": 64, "learning_rate": 0.003, "optim": "adam"}
EXACT = {"model.safetensors": "torch", "model.onnx": "onnxruntime", "model.pt2": "torch"}


@pytest.fixture(scope="module")
def job():
    return spec(training=SETTINGS, export={"formats": FORMATS})


@pytest.fixture(scope="module")
def data(data_dir):
    images, labels = mnist()
    return prepared_data(data_dir, images[:1500], labels[:1500])


@pytest.fixture(scope="module")
def finished(starter, tmp_path_factory, data, job):
    attempt = Attempt(starter, tmp_path_factory.mktemp("finished"), job, [data])
    assert {report["outcome"] for report in attempt.run(90)} == {"succeeded"}
    return attempt


@pytest.fixture
def measure(starter, tmp_path, data, job, finished):
    """Ask a device to measure a file of the finished job, or one that lies in another directory."""
    asked = iter(range(100))

    def ask(artifact: str, split: str = "test", directory=None, **more):
        errand = {"kind": "errand", "errand": {"kind": "evaluate", "artifact": artifact, "split": split, **more}}
        files = str(directory or finished.paths(0).artifacts)
        [report] = Attempt(starter, tmp_path / str(next(asked)), job, [data], model_dir=files, more=errand).run()
        return report["answer"]

    return ask


@pytest.fixture
def copied(finished, tmp_path):
    """The files of the job in another place, where they may be changed."""
    return shutil.copytree(finished.paths(0).artifacts, tmp_path / "copied")


@pytest.mark.parametrize("artifact", EXACT)
def test_every_format_answers_like_the_trained_model_and_tells_how_fast(measure, finished, artifact):
    answer = measure(artifact)

    assert answer["ok"], answer
    trained = events(finished.paths(0), "evaluation")[0]["data"]["metrics"]["accuracy"]
    assert answer["metrics"]["accuracy"] == trained
    assert answer["parity"]["passed"] and answer["parity"]["rows"] == min(256, answer["samples"])
    assert answer["runtime"].startswith(EXACT[artifact])
    assert 0 < answer["latency_ms"]["p50"] <= answer["latency_ms"]["p90"] <= answer["latency_ms"]["p99"]
    assert answer["latency_ms"]["n"] >= 30
    assert answer["throughput"]["32"] > answer["throughput"]["1"] > 0
    assert answer["file_bytes"] == (finished.paths(0).artifacts / artifact).stat().st_size
    assert answer["cold_start_seconds"] > 0 and answer["peak_memory_bytes"] > 0


def test_eight_bits_are_judged_by_their_predictions(measure, finished):
    answer = measure("model.int8.onnx")

    parity = answer["parity"]
    assert (parity["judged_by"], parity["passed"]) == ("agreement", parity["agreement"] >= 0.99)
    assert parity["agreement"] > 0.95
    assert answer["file_bytes"] < (finished.paths(0).artifacts / "model.onnx").stat().st_size / 2


def test_the_confusion_matrix_counts_every_sample_once(measure, data):
    answer = measure("model.safetensors")
    confusion = torch.tensor(answer["details"]["confusion"])
    labels = torch.tensor(open_prepared(data).split("test").column("label").copy())
    assert confusion.sum(1).tolist() == torch.bincount(labels, minlength=10).tolist()
    assert int(confusion.diagonal().sum()) / len(labels) == answer["metrics"]["accuracy"]


def test_weights_that_were_changed_since_fail_with_the_number(measure, copied):
    weights = load_file(copied / "model.safetensors")
    weights["head.weight"] = torch.zeros_like(weights["head.weight"])
    save_file(weights, copied / "model.safetensors")

    answer = measure("model.safetensors", directory=copied)
    assert not answer["parity"]["passed"]
    assert answer["parity"]["max_difference"] > 0.01
    assert answer["metrics"]["accuracy"] < 0.5


@pytest.mark.parametrize("artifact", ["model.onnx", "model.safetensors", "model.pt2"])
def test_a_damaged_file_is_an_answer_with_its_reason(measure, copied, artifact):
    (copied / artifact).write_bytes(b"no model at all")
    answer = measure(artifact, directory=copied)
    assert answer["ok"] is False
    assert answer["reason"] and answer["detail"]


def test_a_split_that_the_data_lacks_and_a_file_that_did_not_come_are_told(measure, tmp_path):
    assert "split 'dev'" in measure("model.onnx", split="dev")["detail"]
    assert "did not come" in measure("model.onnx", directory=tmp_path)["detail"]


def test_without_a_reference_nothing_is_certified(measure, copied):
    (copied / "reference.safetensors").unlink()
    answer = measure("model.safetensors", directory=copied)
    assert answer["ok"] and answer["parity"] is None


def test_only_the_chosen_suites_are_measured_and_one_that_cannot_run_fails_no_other(measure):
    answer = measure("model.onnx", suites=["speed", "fortune"])
    assert answer["ok"] and "metrics" not in answer and answer["latency_ms"]["n"] >= 30
    assert "knows no measurement 'fortune'" in answer["fortune"]["not_measured"]


def test_the_model_before_fine_tuning_is_measured_on_the_same_data(measure, tmp_path):
    before, after = measure("start", directory=tmp_path, suites=["quality"]), measure("model.onnx", suites=["quality"])
    assert before["ok"], before
    assert before["runtime"].endswith("new weights from seed 42") and before["parity"] is None
    assert before["metrics"]["accuracy"] < 0.4 < after["metrics"]["accuracy"]
    assert before["rows"]["true"] == after["rows"]["true"]


@pytest.mark.parametrize("strategy", ["fsdp", "tensor", "pipeline"])
def test_a_checkpoint_of_ranks_that_hold_parts_is_measured_as_one_model(starter, tmp_path, data, strategy):
    settings = {"max_steps": 12, "save_steps": 12, "per_device_train_batch_size": 32, "learning_rate": 0.01}
    model, parallel = {"source": "dense", "hidden": [16, 16]}, {"strategy": strategy}
    job = spec(model=model, parallel=parallel, training=settings, export={"formats": ["safetensors"]})
    shared = Attempt(starter, tmp_path / "job", job, [data] * 2)
    assert {report["outcome"] for report in shared.run(90)} == {"succeeded"}, shared.log(0)
    trained = events(shared.paths(0), "evaluation")[0]["data"]["metrics"]
    wanted = {"kind": "evaluate", "artifact": "model.safetensors", "split": "test", "suites": ["quality"]}
    for number, place in enumerate((shared.checkpoints(1) / "step-12", shared.paths(0).artifacts)):
        more = {"kind": "errand", "errand": wanted}
        [report] = Attempt(starter, tmp_path / str(number), job, [data], model_dir=str(place), more=more).run()
        assert report["answer"]["metrics"]["accuracy"] == trained["accuracy"], report
        assert report["answer"]["metrics"]["loss"] == pytest.approx(trained["loss"], rel=1e-5)
