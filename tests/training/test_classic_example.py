"""The demo's classic job, as the demo asks for it: what it promises holds with any seed."""

import pytest

from jobs import demo
from tests.training.factories import events, mnist, prepared_data, spec
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
SPLITS = (("train", 0.8), ("validation", 0.9), ("test", 1.0))


@pytest.fixture(scope="module")
def data(data_dir):
    """All 5,000 digits, 500 of them to test on, pixels from 0 to 1 as the default recipe gives them."""
    return prepared_data(data_dir, *mnist(), splits=SPLITS, on_device=[{"step": "scale", "to": [0, 1]}])


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_the_classic_job_reaches_its_accuracy_with_any_seed_on_both_devices(starter, tmp_path, data, seed):
    asked = demo.dense("test")
    job = spec(**asked | {"training": asked["training"] | {"seed": seed}, "export": {"formats": []}})
    attempt = Attempt(starter, tmp_path, job, [data, data])

    assert {report["outcome"] for report in attempt.run(90)} == {"succeeded"}
    measured = [events(attempt.paths(rank), "evaluation")[0]["data"] for rank in attempt.ranks]
    assert measured[0]["samples"] >= 500
    assert measured[0]["metrics"]["accuracy"] >= 0.88
    assert measured[0]["metrics"] == measured[1]["metrics"]
