"""Real ranks that share one model in every way there is."""

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
CLASSES = ["a", "b", "c"]
NET = {"source": "dense", "hidden": [16, 16, 16]}
GLOBAL_BATCH = 16


@pytest.fixture(scope="module")
def few(data_dir):
    """Easy data of 96 pictures, 67 of them to train on: 4 full global batches and one of 3 samples."""
    return prepared_data(data_dir, *tiny(), classes=CLASSES)


def job(strategy, world_size, **settings):
    batch_size = GLOBAL_BATCH // world_size
    training = {"per_device_train_batch_size": batch_size, "learning_rate": 0.005, "max_steps": 50, **settings}
    parallel = {"strategy": strategy}
    return spec(model=NET, training=training, parallel=parallel, export={"formats": ["safetensors"]})


def losses(attempt) -> np.ndarray:
    return np.array(list(points(attempt.paths(0), "train/loss").values()))


@pytest.fixture(scope="module")
def alone(starter, tmp_path_factory, few):
    """The reference: one rank."""
    attempt = Attempt(starter, tmp_path_factory.mktemp("alone"), job("ddp", 1), [few])
    assert [report["outcome"] for report in attempt.run()] == ["succeeded"]
    return attempt


@pytest.mark.parametrize("world_size", [2, 4])
@pytest.mark.parametrize("strategy", ["ddp", "fsdp", "tensor", "pipeline"])
def test_every_strategy_trains_what_one_rank_trains(starter, tmp_path, few, alone, strategy, world_size):
    attempt = Attempt(starter, tmp_path, job(strategy, world_size), [few] * world_size)
    reports = attempt.run()
    assert [report["outcome"] for report in reports] == ["succeeded"] * world_size, reports
    assert len(losses(attempt)) == 50
    np.testing.assert_allclose(losses(attempt), losses(alone), rtol=1e-5)
    reference = load_file(alone.paths(0).artifacts / "model.safetensors")
    trained = load_file(attempt.paths(0).artifacts / "model.safetensors")
    assert {name: tensor.shape for name, tensor in trained.items()} == {n: t.shape for n, t in reference.items()}
    metrics = [events(attempt.paths(rank), "evaluation")[0]["data"]["metrics"] for rank in attempt.ranks]
    assert all(each == metrics[0] for each in metrics)
