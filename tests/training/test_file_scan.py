"""Files that could run code are found; files that cannot are not accused. Nothing here is loaded."""

import json
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from training.file_scan import scan


class Planted:
    def __reduce__(self):
        return print, ("run",)


def test_tensors_and_json_pass(tmp_path):
    save_file({"a": torch.ones(3), "b": torch.zeros(2, 2)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text(json.dumps({"a": 1}))
    (tmp_path / "card.md").write_text("# A model\n")
    for name in ("model.safetensors", "config.json", "card.md"):
        assert scan(tmp_path / name).verdict == "pass", name


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_planted_pickle_in_a_zip_fails_by_name(tmp_path, protocol):
    with zipfile.ZipFile(tmp_path / "weights.zip", "w") as archive:
        archive.writestr("readme.txt", "harmless")
        archive.writestr("data/hidden.dat", pickle.dumps(Planted(), protocol))
    found = scan(tmp_path / "weights.zip")
    assert found.verdict == "fail" and "data/hidden.dat" in found.why


def test_a_pickle_under_another_name_fails_and_bytes_that_only_begin_like_one_pass(tmp_path):
    (tmp_path / "notes.txt").write_bytes(pickle.dumps(Planted()))
    assert scan(tmp_path / "notes.txt").verdict == "fail"
    (tmp_path / "numbers.raw").write_bytes(bytes((0x80, 4)) + b"\xff" * 64)
    assert scan(tmp_path / "numbers.raw").verdict == "pass"
    torch.save({"a": torch.ones(1)}, tmp_path / "model.pt")
    assert scan(tmp_path / "model.pt").verdict == "fail"


def test_a_pickle_in_an_exported_program_is_named_as_a_warning(tmp_path):
    program = torch.export.export(torch.nn.Linear(2, 1), (torch.zeros(1, 2),))
    torch.export.save(program, tmp_path / "with.pt2")
    assert scan(tmp_path / "with.pt2").verdict in ("pass", "warn")
    with zipfile.ZipFile(tmp_path / "with.pt2", "a") as archive:
        archive.writestr("with/data/sample_inputs/planted.pt", pickle.dumps(Planted()))
    found = scan(tmp_path / "with.pt2")
    assert found.verdict == "warn" and "planted.pt" in found.why


def test_safetensors_with_hidden_bytes_and_broken_json_fail(tmp_path):
    save_file({"a": torch.ones(3)}, tmp_path / "model.safetensors")
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "more.safetensors").write_bytes(whole + b"hidden")
    (tmp_path / "less.safetensors").write_bytes(whole[:-1])
    (tmp_path / "none.safetensors").write_bytes(b"\xff" * 40)
    (tmp_path / "broken.json").write_text("{")
    for name in ("more.safetensors", "less.safetensors", "none.safetensors", "broken.json"):
        assert scan(tmp_path / name).verdict == "fail", name


def test_onnx_with_foreign_operators_or_weights_elsewhere_fails(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    one = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    two = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    plain = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [one], [two])
    onnx.save(helper.make_model(plain), tmp_path / "plain.onnx")
    assert scan(tmp_path / "plain.onnx").verdict == "pass"
    foreign = helper.make_graph([helper.make_node("Evil", ["x"], ["y"], domain="evil")], "g", [one], [two])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("evil", 1)]
    onnx.save(helper.make_model(foreign, opset_imports=opsets), tmp_path / "foreign.onnx")
    assert "evil" in scan(tmp_path / "foreign.onnx").why
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    weights.external_data.add(key="location", value="../../etc/passwd")
    outside = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [one], [two], [weights])
    (tmp_path / "outside.onnx").write_bytes(helper.make_model(outside).SerializeToString())
    assert scan(tmp_path / "outside.onnx").verdict == "fail"
    (tmp_path / "none.onnx").write_bytes(b"\xff\xff\xff")
    assert scan(tmp_path / "none.onnx").verdict == "fail"
