"""F40: a machine may die at any moment of a save. What is left is this checkpoint or the one before, whole."""

import os
from random import Random

import pytest
import torch

from tests.chaos.replayer import crash, newest_whole, record
from training import checkpoint_files as files
from training.checkpoint_files import Contents

SAMPLE = 100
SEED = 7


def contents(value: float) -> Contents:
    weights = {"model.safetensors": {"w": torch.full((400,), value)}, "optimizer.safetensors": {"m": torch.ones(90)}}
    return Contents(weights, {"state.json": {"step": int(value)}})


@pytest.fixture
def moments(tmp_path):
    place = tmp_path / "checkpoints"
    files.write(place, 4, 1, contents(4.0), {"job": 3, "world_size": 1})
    return record(place, 8, contents(8.0))


def test_no_crash_state_of_a_save_is_unloadable_or_wrong(moments, tmp_path):
    random, seen = Random(SEED), {4: 0, 8: 0}
    for number in range(int(os.environ.get("CHAOS_STATES", SAMPLE))):
        moment = moments[number % len(moments)]
        crash(moment, tmp_path / "left", random)
        step = newest_whole(tmp_path / "left")
        assert step in seen, f"nothing whole is left after: {moment.what} (state {number} of seed {SEED})"
        weights = files.read(tmp_path / "left" / f"step-{step}").tensors["model.safetensors"]["w"]
        assert torch.equal(weights, torch.full((400,), float(step))), moment.what
        seen[step] += 1
    assert min(seen.values()) > 5, seen


def test_what_was_told_to_be_saved_outlives_any_crash_after_it(moments, tmp_path):
    for seed in range(20):
        crash(moments[-1], tmp_path / "left", Random(seed))
        assert newest_whole(tmp_path / "left") == 8


def test_the_record_has_every_step_of_the_order_that_keeps_a_checkpoint_whole(moments):
    """Files before their manifest, the manifest before the rename, the rename before its directory is synced."""
    said = [moment.what for moment in moments]
    order = ["fsync step-8.tmp-2/model.safetensors", "fsync step-8.tmp-2/manifest.json", "fsync step-8.tmp-2",
             "rename step-8.tmp-2 step-8", "fsync ."]  # fmt: skip
    assert [said.index(what) for what in order] == sorted(said.index(what) for what in order)
