"""The demo never stands in the way of somebody's own job."""

import pytest

from jobs import clock, demo, scheduling
from tests.jobs.factories import make_gang, make_job, make_running

pytestmark = pytest.mark.django_db


def test_a_running_demo_gives_its_devices_to_a_job_that_needs_them_and_waits_behind_it():
    gang = make_gang()
    shown = make_running(*gang, demo=True, schedule=demo.dense("shapes")["schedule"])
    for agent in gang:
        agent.save(7, "seven")
    own = make_job(2)
    scheduling.round(clock.now())
    shown.refresh_from_db()
    assert (shown.state, shown.reason_params["for_job"]) == ("draining", own.pk)
    for agent in gang:
        agent.exit("drained", "drained")
    scheduling.round(clock.now())
    own.refresh_from_db()
    shown.refresh_from_db()
    assert (own.state, shown.state) == ("claimed", "pending")
