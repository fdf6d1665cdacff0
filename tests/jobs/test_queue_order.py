"""Owners of one priority take turns: whoever holds the fewest devices comes next."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from jobs import clock, queue_order, scheduling, services
from jobs.queue_order import in_fair_order
from tests.devices.factories import make_device
from tests.jobs.factories import make_gang, make_job, make_owner, make_running


def wish(owner: int, place: int, devices: int = 1, priority: int = 0, demo: bool = False) -> SimpleNamespace:
    return SimpleNamespace(
        owner_id=owner, position=float(place), devices_wanted=devices, priority=priority, demo=demo, name=place
    )


def order(*jobs: SimpleNamespace, held: dict[int, int] | None = None) -> list[int]:
    ranked = sorted(jobs, key=lambda job: (job.demo, -job.priority, job.position))
    return [job.name for job in in_fair_order(ranked, held or {})]


def test_two_owners_take_turns_however_many_jobs_one_has_sent_first():
    assert order(wish(1, 1), wish(1, 2), wish(1, 3), wish(2, 4), wish(2, 5)) == [1, 4, 2, 5, 3]


def test_devices_that_an_owner_holds_already_count():
    assert order(wish(1, 1), wish(2, 2), wish(2, 3), held={1: 2}) == [2, 3, 1]


def test_a_large_job_counts_for_as_many_turns_as_it_wants_devices():
    assert order(wish(1, 1, devices=3), wish(1, 2), wish(2, 3), wish(2, 4), wish(2, 5)) == [1, 3, 4, 5, 2]


def test_priority_comes_before_fairness_and_demo_jobs_come_last():
    assert order(wish(1, 1, demo=True), wish(1, 2), wish(2, 3), wish(1, 4, priority=5), held={1: 9}) == [4, 3, 2, 1]


def test_what_an_admin_moved_to_the_top_comes_before_the_turns():
    assert order(wish(1, -1), wish(1, -2), wish(2, 3), held={1: 9}) == [-2, -1, 3]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(-1, 1)), max_size=40),
    st.dictionaries(st.integers(1, 4), st.integers(0, 9)),
)
def test_nobody_is_lost_and_each_owner_s_own_jobs_keep_their_order(wishes, held):
    jobs = [wish(owner, place, devices, priority) for place, (owner, devices, priority) in enumerate(wishes)]
    names = order(*jobs, held=held)
    assert sorted(names) == list(range(len(wishes)))
    for mine in {(job.owner_id, job.priority) for job in jobs}:
        places = [name for name in names if (jobs[name].owner_id, jobs[name].priority) == mine]
        assert places == sorted(places)


@pytest.mark.django_db
def test_a_second_person_gets_the_next_free_device_before_the_first_one_s_queue():
    gang = make_gang(1)
    make_running(gang[0])
    mine = make_job(1)
    theirs = make_job(1, owner=make_owner("li"))
    make_device("lab-1-cpu-1")
    assert [job.pk for job in queue_order.waiting()] == [theirs.pk, mine.pk]
    assert scheduling.round(clock.now()) == 1
    theirs.refresh_from_db()
    assert theirs.state == "claimed"


@pytest.mark.django_db
def test_moving_to_the_top_beats_the_turns():
    make_running(*make_gang(1), owner=make_owner("li"))
    first, second = make_job(1), make_job(1, owner=make_owner("li"))
    services.move(second, User.objects.get(username="maria"), "top")
    assert [job.pk for job in queue_order.waiting()] == [second.pk, first.pk]


@pytest.mark.django_db
def test_the_queue_page_shows_the_order_of_the_scheduler_with_what_is_on_hold_last(client):
    held, mine, second = make_job(1), make_job(1), make_job(1)
    theirs = make_job(1, owner=make_owner("li"))
    maria = User.objects.get(username="maria")
    services.pause(held, maria)
    client.force_login(maria, backend="django.contrib.auth.backends.ModelBackend")
    rows = client.get("/queue/").context["rows"]
    assert [row.job.pk for row in rows] == [mine.pk, theirs.pk, second.pk, held.pk]
