"""A bounded sample of the state machine over the scheduler; the full one is `make chaos-model`."""

import os

import pytest

from tests.chaos import model
from tests.jobs.factories import make_owner, make_prepared, make_version

SAMPLE = 5


@pytest.mark.django_db
def test_whatever_people_devices_and_clocks_do_no_job_is_lost_and_no_device_held_twice():
    make_prepared(make_version(make_owner()))
    asked = int(os.environ.get("CHAOS_HISTORIES", "0"))
    model.run(asked or SAMPLE, steps=40 if asked else 15, derandomize=not asked)
