"""A job that loses a device goes on with fewer ranks and the same global batches, and grows again."""

import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file

from contract.spec_devices import ELASTIC_STRATEGIES
from tests.training.factories import points, prepared_data, spec, tiny
from tests.training.ranks import Attempt
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
SETTINGS = {"per_device_train_batch_size": 8, "learning_rate": 0.01, "optim": "adam", "max_steps": 18, "save_steps": 6}
JOB = {"model": {"source": "conv", "channels": [4, 8], "hidden": [16]}, "training": SETTINGS}
KEPT = {"batch_devices": 2}
HANG = {"FLEETUNE_FAULT": "step:8:sleep"}


@pytest.mark.parametrize("strategy", ELASTIC_STRATEGIES)
def test_from_two_ranks_to_one_and_back_ends_where_two_ranks_would_have_ended(starter, tmp_path, data_dir, strategy):
    few = prepared_data(data_dir, *tiny(), classes=["a", "b", "c"])
    job = spec(**JOB, parallel={"strategy": strategy}, export={"formats": ["safetensors"]})
    calm = Attempt(starter, tmp_path / "calm", job, [few, few], more=KEPT)
    calm.run()
    first = Attempt(starter, tmp_path / "torn", job, [few, few], more=KEPT, env=HANG)
    kill_once_saved(first, 6)
    alone = first.again(6, data=[few], env=HANG)
    kill_once_saved(alone, 12)
    bring_copy(alone, 12)
    both = alone.again(12, data=[few, few])
    assert [report["outcome"] for report in both.run()] == ["succeeded", "succeeded"]
    assert list(points(both.paths(0), "train/loss")) == list(range(13, 19))
    expected, found = (load_file(one.paths(0).artifacts / "model.safetensors") for one in (calm, both))
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def kill_once_saved(attempt: Attempt, step: int) -> None:
    """Its ranks, hanging in a later step, at a moment at which nothing is being written."""
    attempt.start().go()
    wait_until(lambda: step in attempt.saved_by_all(), within=40, about=f"step {step} is saved")
    for rank in attempt.ranks:
        attempt.signal(rank, signal.SIGKILL)
    attempt.wait()


def bring_copy(attempt: Attempt, step: int) -> None:
    """What a device that was away fetches from the server."""
    here, there = (attempt.checkpoints(rank) / f"step-{step}" for rank in (0, 1))
    shutil.copytree(here, there)
