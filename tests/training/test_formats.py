"""Formats beyond weights and ONNX: the same bytes on repeat, and each that cannot be made says why."""

import hashlib

import numpy as np
import pytest
import torch

from recipes.prepared import open_prepared
from tests.training.factories import digits, prepared_data, spec
from training.aoti_file import write_aoti
from training.data import Data
from training.inputs import from_prepared
from training.int8_file import calibration_inputs, write_int8, write_static_int8
from training.models import build
from training.onnx_file import NotMade, write_onnx
from training.pt2_file import write_pt2
from training.tasks import task_of

pytestmark = pytest.mark.integration


def read(path):
    prepared = open_prepared(path)
    return Data.of(prepared, task_of("image-classification", prepared.manifest, spec()["training"]))


@pytest.fixture(scope="module")
def data(data_dir):
    images, labels = digits()
    return read(prepared_data(data_dir, images[:600, :, ::2, ::2], labels[:600]))


@pytest.fixture(scope="module")
def model(data):
    """A small net that learnt enough to be sure of its answers."""
    net = build({"source": "conv", "channels": [4, 8], "hidden": [16]}, data.shape, 10, seed=0)
    model = from_prepared(data.manifest, net)
    inputs, labels = data.task.collate(data.splits["train"], torch.arange(len(data.splits["train"])))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _step in range(30):
        optimizer.zero_grad()
        (data.task.loss(model(inputs), labels)[0] / len(labels)).backward()
        optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def onnx(model, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(model, data, path)
    return path


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_static_int8_answers_like_the_model_and_is_calibrated_on_train_samples(model, data, onnx, tmp_path):
    import onnxruntime

    facts = write_static_int8(onnx, data, tmp_path / "model.onnx")
    assert facts == {"calibrated_on": 256}
    assert torch.equal(calibration_inputs(data)[0], torch.from_numpy(data.splits["train"].column("image")[0].copy()))
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    test = np.asarray(data.splits["test"].column("image"))
    with torch.no_grad():
        ours = model(torch.from_numpy(test.copy())).argmax(1).numpy()
    theirs = session.run(None, {"image": test})[0].argmax(1)
    assert float((ours == theirs).mean()) >= 0.95
    kinds = {node.op_type for node in _graph(tmp_path / "model.onnx")}
    assert "QuantizeLinear" in kinds and "DynamicQuantizeLinear" not in kinds


def _graph(path):
    import onnx

    return onnx.load(path).graph.node


@pytest.mark.parametrize("kind", ["onnx-int8", "onnx-int8-static", "pt2"])
def test_a_format_has_the_same_bytes_on_repeat(model, data, onnx, tmp_path, kind):
    makes = {
        "onnx-int8": lambda path: write_int8(onnx, path),
        "onnx-int8-static": lambda path: write_static_int8(onnx, data, path),
        "pt2": lambda path: write_pt2(model, data, path),
    }
    found = set()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        makes[kind](tmp_path / name / "model.pt2")
        found.add(sha(tmp_path / name / "model.pt2"))
    assert len(found) == 1


def test_what_is_missing_is_the_reason(model, data, data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(NotMade, match=r"no C\+\+ compiler is installed on this device"):
        write_aoti(model, data, "test", tmp_path / "model.cpu.aoti.pt2")
    with pytest.raises(NotMade, match="no ONNX file to quantise"):
        write_static_int8(tmp_path / "none.onnx", data, tmp_path / "model.onnx")
    images, labels = digits()
    no_train = read(prepared_data(data_dir, images[:20], labels[:20], splits=(("test", 1.0),)))
    with pytest.raises(NotMade, match="no train samples"):
        calibration_inputs(no_train)
