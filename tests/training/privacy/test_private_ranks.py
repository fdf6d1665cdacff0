"""Real ranks that train privately: the budget is told, kept over a resume, and ends the training where it is spent."""

import json

import pytest

from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
CLASSES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def few(data_dir):
    return prepared_data(data_dir, *tiny(), classes=CLASSES)


def private(steps, **dp):
    training = {"per_device_train_batch_size": 8, "learning_rate": 0.05, "max_steps": steps, "save_steps": 2}
    wish = {"epsilon": 3.0, "noise_multiplier": 2.0} | dp
    files = {"formats": ["safetensors"]}
    return spec(model={"source": "dense", "hidden": [8]}, training=training, security={"dp": wish}, export=files)


def told(attempt, rank=0):
    ended = events(attempt.paths(rank), "stage", stage="fine_tune", state="ended")
    return ended[-1]["data"]


def key(attempt, step):
    """Of the noise, as the checkpoint of `step` keeps it."""
    return json.loads((attempt.checkpoints(0) / f"step-{step}" / "privacy.json").read_text())["key"]


@pytest.fixture(scope="module")
def whole(starter, tmp_path_factory, few):
    """A private job on two ranks that asks for more steps than its budget allows."""
    attempt = Attempt(starter, tmp_path_factory.mktemp("whole"), private(steps=40), [few, few])
    reports = attempt.run(within=120)
    assert [(report["outcome"], report["reason"]) for report in reports] == [("succeeded", "limit_reached")] * 2
    return attempt


def test_a_budget_that_is_spent_ends_the_training_and_a_resume_spends_the_same(whole):
    spent = told(whole)["privacy"]
    assert 2.0 < spent["epsilon"] <= 3.0 and 0 < spent["steps"] < 40
    assert spent["delta"] == pytest.approx(1e-5) and spent["accountant"] == "prv"
    assert spent["sampling_rate"] == pytest.approx(16 / 68) and spent["noise_multiplier"] == 2.0
    assert told(whole)["weights_hash"] == told(whole, rank=1)["weights_hash"]
    live = points(whole.paths(0), "privacy/epsilon")
    assert list(live.values()) == sorted(live.values()) and live[spent["steps"]] == spent["epsilon"]
    card = (whole.paths(0).artifacts / "card.md").read_text()
    assert f"- epsilon: {spent['epsilon']:.4g} (at most 3 was allowed)" in card and "- noise multiplier: 2\n" in card
    assert "- samples (n): 68\n" in card and "Poisson, each sample with probability 0.2353" in card
    _resumed_spends_the_same(whole, spent)


def _resumed_spends_the_same(whole, spent):
    resumed = whole.again(resume_step=whole.saved_by_all()[-1] - 2)
    assert [report["reason"] for report in resumed.run(within=120)] == ["limit_reached"] * 2
    assert told(resumed)["privacy"]["epsilon"] == pytest.approx(spent["epsilon"], abs=1e-6)
    assert told(resumed)["weights_hash"] == told(whole)["weights_hash"]


def test_noise_comes_from_no_seed_and_a_plan_that_fits_ends_plainly(starter, tmp_path, few, whole):
    plain = Attempt(starter, tmp_path, private(steps=3), [few])
    assert [(report["outcome"], report["reason"]) for report in plain.run(within=120)] == [("succeeded", "")]
    assert plain.spec["training"]["seed"] == whole.spec["training"]["seed"]
    assert len(key(plain, 2)) == 64 and key(plain, 2) != key(whole, whole.saved_by_all()[-1])
    assert 0 < told(plain)["privacy"]["epsilon"] < told(whole)["privacy"]["epsilon"]
