"""A bounded sample of the chaos runners; the full ones are `make chaos` and `make chaos-resume`."""

import pytest

from tests.chaos.monkey import Monkey
from tests.chaos.resume import Resuming
from tests.e2e.conftest import fresh_home, own_stack  # noqa: F401 - fixtures
from tests.training.ranks import Starter

pytestmark = [pytest.mark.integration, pytest.mark.chaos]
SEED = 7


def test_killed_runs_end_with_the_weights_of_the_undisturbed_one(tmp_path):
    with Starter(tmp_path) as starter:
        runs = Resuming(starter, tmp_path, SEED)
        for number in range(3):
            calm, torn = runs.run(number)
            assert calm == torn, f"run {number} of seed {SEED}"


def test_after_random_kills_no_job_no_point_and_no_process_is_lost(own_stack):  # noqa: F811
    monkey = Monkey(own_stack, SEED, steps=1500)
    monkey.prepare()
    for role in ("rank", "web"):
        monkey.kill(role)
    monkey.finish()
