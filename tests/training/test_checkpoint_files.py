import errno
import json

import pytest
import torch

from contract import faults
from training import checkpoint_files as files
from training.checkpoint_files import Contents, Damaged

HEAD = {"job": 3, "world_size": 2}
POINTS = ("ckpt.write", "ckpt.fsync", "ckpt.manifest", "ckpt.rename")


def contents(value: float = 1.0) -> Contents:
    return Contents({"model.safetensors": {"w": torch.full((5,), value)}}, {"state.json": {"step": 4}})


@pytest.fixture
def saved(tmp_path):
    files.write(tmp_path, 4, 1, contents(), HEAD)
    return tmp_path / "step-4"


def test_what_was_written_is_read_again(saved):
    read = files.read(saved)
    assert torch.equal(read.tensors["model.safetensors"]["w"], torch.ones(5))
    assert read.documents == {"state.json": {"step": 4}}


def test_the_manifest_names_every_file_and_what_made_it(saved):
    manifest = files.verify(saved)
    assert [entry["name"] for entry in manifest["files"]] == ["model.safetensors", "state.json"]
    assert (manifest["step"], manifest["job"], manifest["world_size"], manifest["finite"]) == (4, 3, 2, True)
    assert manifest["versions"]["torch"] == torch.__version__
    assert {path.name for path in saved.iterdir()} == {"model.safetensors", "state.json", "manifest.json"}


def test_equal_contents_are_equal_bytes_on_every_rank(tmp_path):
    for fence in (1, 2):
        files.write(tmp_path / str(fence), 4, fence, contents(), HEAD)
    hashes = {files.file_hash(tmp_path / str(fence) / "step-4" / "manifest.json") for fence in (1, 2)}
    assert len(hashes) == 1


def flip(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def edit_manifest(path):
    manifest = json.loads(path.read_text())
    manifest["world_size"] = 9
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "harm",
    [
        lambda place: flip(place / "model.safetensors"),
        lambda place: (place / "model.safetensors").write_bytes(b"short"),
        lambda place: (place / "state.json").unlink(),
        lambda place: edit_manifest(place / "manifest.json"),
        lambda place: (place / "manifest.json").write_text("{"),
        lambda place: (place / "manifest.json").unlink(),
    ],
    ids=["bit", "cut", "file gone", "manifest edited", "manifest cut", "manifest gone"],
)
def test_damage_of_any_kind_is_seen(saved, harm):
    harm(saved)
    with pytest.raises(Damaged):
        files.read(saved)


def test_a_checkpoint_under_another_steps_name_is_damaged(saved):
    saved.rename(saved.with_name("step-5"))
    with pytest.raises(Damaged):
        files.verify(saved.with_name("step-5"))


@pytest.mark.parametrize("point", POINTS)
def test_a_save_that_fails_leaves_nothing_and_the_one_before_whole(tmp_path, monkeypatch, point):
    files.write(tmp_path, 4, 1, contents(), HEAD)
    monkeypatch.setenv("FLEETUNE_FAULT", f"{point}:1:enospc")
    monkeypatch.setattr(faults, "_visits", type(faults._visits)())
    with pytest.raises(OSError) as full:
        files.write(tmp_path, 8, 1, contents(), HEAD)
    assert full.value.errno == errno.ENOSPC
    assert [path.name for path in tmp_path.iterdir()] == ["step-4"]
    files.verify(tmp_path / "step-4")


def test_a_save_takes_the_place_of_one_of_the_same_step(saved):
    files.write(saved.parent, 4, 2, contents(2.0), HEAD)
    assert files.read(saved).tensors["model.safetensors"]["w"][0] == 2.0
    assert [path.name for path in saved.parent.iterdir()] == ["step-4"]


def test_pruning_keeps_the_newest(tmp_path):
    for step in (2, 10, 9):
        files.write(tmp_path, step, 1, contents(), HEAD)
    files.prune(tmp_path, 2)
    assert files.steps(tmp_path) == [9, 10]
    assert len(list(tmp_path.iterdir())) == 2


def test_cleaning_removes_leftovers_and_what_lies_beyond(tmp_path):
    for step in (2, 10):
        files.write(tmp_path, step, 1, contents(), HEAD)
    (tmp_path / "step-12.tmp-3").mkdir()
    (tmp_path / ".trash-step-1-7").mkdir()
    (tmp_path / "damaged-step-1").mkdir()
    files.clean(tmp_path, beyond=5)
    assert {path.name for path in tmp_path.iterdir()} == {"step-2", "damaged-step-1"}


def test_values_that_are_not_finite_are_seen():
    assert contents().finite()
    assert not contents(float("nan")).finite()
    assert not contents(float("inf")).finite()
