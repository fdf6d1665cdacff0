import json

import pytest
import torch
from safetensors.torch import save_file

from contract.reasons import EndReason
from tests.training.factories import spec
from training.failures import Failure
from training.model_config import model_config
from training.models import build
from training.models.source import start_model
from training.tasks import task_of

MANIFEST = {
    "classes": ["a", "b", "c"],
    "kind": "image",
    "input": {"column": "image", "dtype": "uint8", "shape": [1, 8, 8]},
    "target": {"column": "label"},
    "on_device": [],
    "hash": "0" * 64,
}
TASK = task_of("image-classification", MANIFEST, {})
CONTINUED = spec(model={"source": "job", "id": 4})


@pytest.fixture
def finished(tmp_path):
    """The directory of a finished job's model."""
    model = {"source": "conv", "channels": [4], "hidden": [8]}
    net = build(model, [1, 8, 8], 3, seed=9)
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(model_config(spec(), model, MANIFEST, TASK)))
    return tmp_path, net


def test_a_preset_draws_its_weights(tmp_path):
    start = start_model(spec(model={"source": "conv", "channels": [4]}), MANIFEST, 3, tmp_path)
    assert start.preset == {"source": "conv", "channels": [4]}


def test_a_job_goes_on_from_the_weights_of_another(finished):
    directory, net = finished
    start = start_model(CONTINUED, MANIFEST, 3, directory)
    assert all(torch.equal(value, start.net.state_dict()[name]) for name, value in net.state_dict().items())
    assert start.preset["source"] == "conv"


def test_other_classes_get_a_new_last_layer_and_the_old_body(finished):
    directory, net = finished
    start = start_model(CONTINUED, {**MANIFEST, "classes": ["d", "e"]}, 2, directory)
    assert start.net.head.out_features == 2
    assert start.new == ("head.weight", "head.bias") and "new are head.weight, head.bias" in start.note
    assert torch.equal(start.net.state_dict()["body.0.weight"], net.state_dict()["body.0.weight"])


def test_pictures_of_another_size_are_refused_with_what_to_do(finished):
    other = {**MANIFEST, "input": {**MANIFEST["input"], "shape": [1, 9, 9]}}
    with pytest.raises(Failure, match=r"1×8×8.*1×9×9.*resize") as refusal:
        start_model(CONTINUED, other, 3, finished[0])
    assert refusal.value.reason == EndReason.BAD_DATA


def test_a_source_without_files_is_named(tmp_path):
    with pytest.raises(Failure, match=r"model\.safetensors"):
        start_model(CONTINUED, MANIFEST, 3, tmp_path)
