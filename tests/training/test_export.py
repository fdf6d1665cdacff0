"""What a finished job leaves: files that others can run, with the accuracy that the job reported."""

import hashlib
import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from recipes.prepared import open_prepared
from tests.training.factories import events, mnist, prepared_data, spec
from tests.training.ranks import Attempt
from training.inputs import FromPixels, OnDeviceSteps
from training.models import build

pytestmark = pytest.mark.integration
SETTINGS = {"num_train_epochs": 2, "per_device_train_batch_size": 64, "learning_rate": 0.003, "optim": "adam"}


@pytest.fixture(scope="module")
def finished(starter, tmp_path_factory, data_dir):
    """Two runs of one job on two ranks."""
    images, labels = mnist()
    data = prepared_data(data_dir, images[:2000], labels[:2000])
    runs = []
    for name in ("first", "second"):
        attempt = Attempt(starter, tmp_path_factory.mktemp(name), spec(training=SETTINGS), [data, data])
        assert {report["outcome"] for report in attempt.run(90)} == {"succeeded"}
        runs.append(attempt)
    return runs, open_prepared(data)


def reported(attempt, rank=0):
    return events(attempt.paths(rank), "evaluation")[0]["data"]


def test_the_onnx_file_gives_the_reported_accuracy_in_plain_onnxruntime(finished):
    import onnxruntime

    (attempt, _), data = finished
    session = onnxruntime.InferenceSession(str(attempt.paths(0).artifacts / "model.onnx"))
    test = data.split("test")
    logits = session.run(None, {"image": np.asarray(test.column("image"))})[0]
    accuracy = float((logits.argmax(1) == test.column("label")).mean())
    assert accuracy == reported(attempt)["metrics"]["accuracy"]
    assert session.run(None, {"image": np.asarray(test.column("image")[:1])})[0].shape == (1, 10)


def test_both_devices_measured_the_same(finished):
    for attempt in finished[0]:
        assert reported(attempt, 0) == reported(attempt, 1)


def test_the_weights_load_by_the_configuration_beside_them(finished):
    (attempt, _), data = finished
    config = json.loads((attempt.paths(0).artifacts / "config.json").read_text())
    net = build(config["model"], config["input"]["shape"], len(config["classes"]), seed=0)
    net.load_state_dict(load_file(attempt.paths(0).artifacts / "model.safetensors"))
    model = FromPixels(OnDeviceSteps(config["on_device"], config["input"]["shape"]), net)
    test = data.split("test")
    predicted = model(torch.from_numpy(np.array(test.column("image")))).argmax(1).numpy()
    assert float((predicted == test.column("label")).mean()) == reported(attempt)["metrics"]["accuracy"]


def test_only_rank_0_leaves_files_and_each_is_what_its_event_says(finished):
    (attempt, _), _ = finished
    told = {event["data"]["name"]: event["data"] for event in events(attempt.paths(0), "artifact")}
    assert set(told) == {"model.safetensors", "config.json", "reference.safetensors", "model.onnx", "card.md"}
    for name, facts in told.items():
        data = (attempt.paths(0).artifacts / name).read_bytes()
        assert (facts["bytes"], facts["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert told["model.onnx"]["parity"]["agreement"] == 1.0
    assert not attempt.paths(1).artifacts.exists()
    assert {path.name for path in attempt.paths(0).artifacts.iterdir()} == set(told)


def test_the_same_job_leaves_the_same_bytes(finished):
    first, second = finished[0]
    for name in ("model.safetensors", "config.json", "model.onnx", "card.md"):
        assert (first.paths(0).artifacts / name).read_bytes() == (second.paths(0).artifacts / name).read_bytes(), name


def test_no_file_tells_where_it_was_made(finished):
    (attempt, _), _ = finished
    for path in attempt.paths(0).artifacts.iterdir():
        assert not re.search(rb"\.py|site-packages|Traceback|/home|/tmp|/work|/root", path.read_bytes()), path.name


def test_the_card_is_made_of_facts(finished):
    (attempt, _), data = finished
    card = (attempt.paths(0).artifacts / "card.md").read_text()
    assert f"| accuracy | {reported(attempt)['metrics']['accuracy']:.6g} |" in card
    assert data.hash in card and "2 devices, ddp" in card and "onnxruntime" in card
    assert hashlib.sha256((attempt.paths(0).artifacts / "model.onnx").read_bytes()).hexdigest() in card
