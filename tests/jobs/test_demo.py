"""The demo never stands in the way of somebody's own job."""

import pytest

from jobs import clock, demo, errands, scheduling
from jobs.models import Errand
from jobs.sentences import ends
from tests.jobs.factories import make_gang, make_job, make_owner, make_running

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


@pytest.mark.parametrize(
    ("kind", "of_itself", "state"),
    [("evaluate", False, "draining"), ("evaluate", True, "running"), ("preflight", False, "running")],
)
def test_a_running_demo_gives_way_to_a_measurement_of_another_model_and_goes_on_when_that_has_begun(
    kind, of_itself, state
):
    gang = make_gang()
    shown = make_running(*gang, demo=True, schedule=demo.dense("shapes")["schedule"])
    for agent in gang:
        agent.save(7, "seven")
    payload = {"spec": shown.spec, "prepared": shown.prepared_id, "source": shown.pk if of_itself else None}
    errands.create(kind, make_owner("ada"), [gang[0].device], payload, clock.now())
    scheduling.round(clock.now())
    shown.refresh_from_db()
    assert shown.state == state
    if state == "running":
        return
    for agent in gang:
        agent.exit("drained", "drained")
    scheduling.round(clock.now())
    shown.refresh_from_db()
    assert (shown.state, Errand.objects.get().state) == ("pending", "running")
    attempt = shown.attempts.get()
    told = ends.text(attempt.end_reason, attempt.reason_params, shown)
    assert told == "Gave its devices to a measurement that somebody asked for, at step 7."


def test_a_job_of_somebody_s_own_stays_though_it_is_preemptible():
    gang = make_gang()
    own = make_running(*gang, schedule={"preemptible": True})
    payload = {"spec": own.spec, "prepared": own.prepared_id, "source": None}
    errands.create("evaluate", make_owner("ada"), [gang[0].device], payload, clock.now())
    scheduling.round(clock.now())
    own.refresh_from_db()
    assert own.state == "running"
