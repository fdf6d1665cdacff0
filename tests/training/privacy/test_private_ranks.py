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


def test_a_budget_that_is_spent_ends_the_training_and_a_resume_spends_the_same(starter, tmp_path, few):
    whole = Attempt(starter, tmp_path / "whole", private(steps=40), [few, few])
    reports = whole.run(within=120)
    assert [(report["outcome"], report["reason"]) for report in reports] == [("succeeded", "limit_reached")] * 2
    spent = told(whole)["privacy"]
    assert 2.0 < spent["epsilon"] <= 3.0 and 0 < spent["steps"] < 40
    assert spent["delta"] == pytest.approx(1e-5) and spent["accountant"] == "prv"
    assert spent["sampling_rate"] == pytest.approx(16 / 68) and spent["noise_multiplier"] == 2.0
    assert told(whole)["weights_hash"] == told(whole, rank=1)["weights_hash"]
    live = points(whole.paths(0), "privacy/epsilon")
    assert list(live.values()) == sorted(live.values()) and live[spent["steps"]] == spent["epsilon"]
    _resumed_spends_the_same(whole, spent)


def _resumed_spends_the_same(whole, spent):
    step = whole.saved_by_all()[-1] - 2
    kept = json.loads((whole.checkpoints(0) / f"step-{step}" / "privacy.json").read_text())
    assert len(kept["key"]) == 64
    resumed = whole.again(resume_step=step)
    assert [report["reason"] for report in resumed.run(within=120)] == ["limit_reached"] * 2
    assert told(resumed)["privacy"]["epsilon"] == pytest.approx(spent["epsilon"], abs=1e-6)
    assert told(resumed)["weights_hash"] == told(whole)["weights_hash"]


def test_noise_comes_from_no_seed_and_a_plan_that_fits_ends_plainly(starter, tmp_path, few):
    first, second = (Attempt(starter, tmp_path / name, private(steps=3), [few]) for name in ("first", "second"))
    for attempt in (first, second):
        assert [(report["outcome"], report["reason"]) for report in attempt.run(within=120)] == [("succeeded", "")]
    assert told(first)["weights_hash"] != told(second)["weights_hash"]
    assert told(first)["privacy"]["epsilon"] == told(second)["privacy"]["epsilon"]
