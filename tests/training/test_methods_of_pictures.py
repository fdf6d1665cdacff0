"""Pictures and boxes with every method on two ranks, each going on from a job's result: what of it is changed."""

import pytest
import torch
from safetensors.torch import load_file

from tests.training import task_data
from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
FULL, HEAD, LORA = ({"kind": kind, "r": 2} for kind in ("full", "head", "lora"))
NETS = {
    "image-classification": {"source": "conv", "channels": [4, 8], "hidden": [8]},
    "object-detection": {"source": "detector", "channels": [8, 16, 16]},
}


@pytest.fixture(scope="module", params=list(NETS))
def task(request):
    return request.param


@pytest.fixture(scope="module")
def data(task, data_dir):
    if task == "object-detection":
        return task_data.canvases(data_dir, {"train": 48, "validation": 8, "test": 8})
    return prepared_data(data_dir, *tiny(), classes=["a", "b", "c"])


def left(starter, home, data, task, method, model, model_dir=""):
    """The attempt's weights, after it has learnt: its loss has fallen."""
    training = {"max_steps": 30, "per_device_train_batch_size": 8, "learning_rate": 0.005, "eval_steps": 30}
    job = spec(task=task, model=model, method=method, training=training, export={"formats": ["safetensors"]})
    attempt = Attempt(starter, home, job, [data, data], model_dir=str(model_dir))
    assert {report["outcome"] for report in attempt.run(120)} == {"succeeded"}, attempt.log(0)
    losses = list(points(attempt.paths(0), "train/loss").values())
    assert sum(losses[-5:]) < sum(losses[:5]), losses
    told = [events(attempt.paths(rank), "evaluation")[0]["data"]["metrics"] for rank in attempt.ranks]
    assert told[0] == told[1]
    return attempt.paths(0).artifacts, load_file(attempt.paths(0).artifacts / "model.safetensors")


@pytest.fixture(scope="module")
def base(starter, tmp_path_factory, task, data):
    """What a job with the method full has left."""
    return left(starter, tmp_path_factory.mktemp("base") / "full", data, task, FULL, NETS[task])


def changed(before, after):
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_head_leaves_the_body_as_it_was_to_the_bit(starter, tmp_path, data, task, base):
    directory, before = base
    _, after = left(starter, tmp_path, data, task, HEAD, {"source": "job", "id": 1}, directory)
    assert changed(before, after) == {"head.weight", "head.bias"}


def test_lora_changes_the_weights_of_its_targets_alone(starter, tmp_path, data, task, base):
    directory, before = base
    _, after = left(starter, tmp_path, data, task, LORA, {"source": "job", "id": 1}, directory)
    layers = {name for name in before if name.endswith(".weight") and before[name].ndim > 1}
    assert changed(before, after) == layers - {"head.weight"}
