"""Real ranks that train on augmented batches."""

import pytest

from recipes.recipe import Recipe
from tests.training.factories import events, prepared_data, spec, tiny
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
STEPS = [{"step": "crop"}, {"step": "rotate"}, {"step": "colour-jitter"}, {"step": "mixup"}]


def weights(attempt) -> set[str]:
    ended = [events(attempt.paths(rank), "stage", stage="fine_tune", state="ended") for rank in attempt.ranks]
    return {each[-1]["data"]["weights_hash"] for each in ended}


def test_a_killed_run_on_augmented_batches_goes_on_with_the_same_bits(starter, tmp_path):
    data = prepared_data(tmp_path, *tiny(), classes=["a", "b", "c"], on_train=Recipe.parse(STEPS).on_train())
    plain = prepared_data(tmp_path, *tiny(), classes=["a", "b", "c"])
    settings = {"per_device_train_batch_size": 8, "max_steps": 20, "save_steps": 5, "gradient_accumulation_steps": 2}
    job = spec(training=settings, export={"formats": ["safetensors"]})
    whole = Attempt(starter, tmp_path / "whole", job, [data, data])
    assert {report["outcome"] for report in whole.run()} == {"succeeded"}
    broken = Attempt(starter, tmp_path / "broken", job, [data, data], env_of={1: {"FLEETUNE_FAULT": "step:13:kill"}})
    assert broken.run()[-1] == {}
    resumed = broken.again(resume_step=broken.saved_by_all()[-1])
    assert {report["outcome"] for report in resumed.run()} == {"succeeded"}
    assert weights(resumed) == weights(whole)
    unchanged = Attempt(starter, tmp_path / "plain", job, [plain, plain])
    unchanged.run()
    assert weights(unchanged) != weights(whole)
