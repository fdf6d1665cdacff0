"""Real ranks that keep an average, keep the best, stop early, recompute: in every way to share a model."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt
from training.kept_weights import AVERAGE, BEST

pytestmark = pytest.mark.integration
NET = {"source": "dense", "hidden": [16, 16]}


@pytest.fixture(scope="module")
def few(data_dir):
    return prepared_data(data_dir, *tiny(), classes=["a", "b", "c"])


def job(strategy="ddp", **settings):
    training = {"per_device_train_batch_size": 8, "learning_rate": 0.01, "max_steps": 20, **settings}
    parallel, export = {"strategy": strategy}, {"formats": ["safetensors"]}
    return spec(model=NET, training=training, parallel=parallel, export=export)


def artifact(attempt):
    return load_file(attempt.paths(0).artifacts / "model.safetensors")


def saved(attempt, step, name="model.safetensors"):
    return load_file(attempt.checkpoints(1) / f"step-{step}" / name)


def same(weights, others) -> bool:
    return all(torch.equal(tensor, others[name]) for name, tensor in weights.items())


def succeeded(attempt):
    reports = attempt.run()
    assert {report["outcome"] for report in reports} == {"succeeded"}, reports
    return attempt


@pytest.mark.parametrize("strategy", ["ddp", "fsdp", "pipeline"])
def test_the_average_is_left_and_survives_a_crash_bit_by_bit(starter, tmp_path, few, strategy):
    averaged = job(strategy, ema_decay=0.9, save_steps=6)
    whole = succeeded(Attempt(starter, tmp_path / "whole", averaged, [few] * 2))
    assert same(artifact(whole), saved(whole, 20, AVERAGE))
    assert not same(artifact(whole), saved(whole, 20))
    broken = Attempt(starter, tmp_path / "broken", averaged, [few] * 2, env_of={1: {"FLEETUNE_FAULT": "step:14:kill"}})
    assert broken.run()[1] == {}
    resumed = succeeded(broken.again(resume_step=broken.saved_by_all()[-1]))
    assert same(artifact(whole), artifact(resumed))


def test_the_best_evaluation_is_left_and_training_stops_when_nothing_gets_better(starter, tmp_path, data_dir):
    """Labels that mean nothing can only be learnt by heart: the loss on other pictures soon rises."""
    images, labels = tiny()
    shuffled = prepared_data(data_dir, images, np.random.default_rng(3).permutation(labels), classes=["a", "b", "c"])
    settings = {"early_stopping_patience": 5, "load_best_model_at_end": True, "metric_for_best_model": "eval_loss"}
    settings |= {"max_steps": 300, "eval_steps": 2, "lr_scheduler_type": "constant"}
    attempt = succeeded(Attempt(starter, tmp_path, job(**settings), [shuffled] * 2))
    losses = points(attempt.paths(0), "eval/loss")
    last = max(losses)
    assert last == min(losses, key=losses.get) + 10 < 300
    assert same(artifact(attempt), saved(attempt, last, BEST))
    assert not same(artifact(attempt), saved(attempt, last))
    ended = events(attempt.paths(0), "choice", what="end of training")[0]["data"]
    assert "eval/loss did not improve" in ended["reason"]


@pytest.mark.parametrize("strategy", ["ddp", "fsdp", "tensor", "pipeline"])
def test_running_blocks_again_changes_no_bit(starter, tmp_path, few, strategy):
    plain = succeeded(Attempt(starter, tmp_path / "plain", job(strategy, max_steps=4), [few] * 2))
    again = job(strategy, max_steps=4, gradient_checkpointing=True)
    assert same(artifact(plain), artifact(succeeded(Attempt(starter, tmp_path / "again", again, [few] * 2))))
