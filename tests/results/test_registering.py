"""A job that succeeds becomes a version of a result."""

import pytest

from results.models import Result, ResultVersion
from results.registering import register
from tests.jobs.factories import make_claimed, make_gang
from tests.results.factories import make_result, succeed

pytestmark = pytest.mark.django_db


def test_a_job_that_succeeds_is_the_first_version_of_a_result_of_its_name():
    version = make_result(name="Digits, small")

    assert (version.result.name, version.result.slug, version.number) == ("Digits, small", "digits-small", 1)
    assert version.stage == "candidate"


def test_the_next_job_of_that_name_is_the_next_version_and_another_name_another_result():
    agents = make_gang()
    for name in ("digits", "digits", "letters"):
        succeed(make_claimed(*agents, name=name), agents)

    assert list(ResultVersion.objects.order_by("id").values_list("result__slug", "number")) == [
        ("digits", 1),
        ("digits", 2),
        ("letters", 1),
    ]


def test_a_job_is_registered_once_however_often_it_is_asked():
    version = make_result()

    assert register(version.job) == version
    assert ResultVersion.objects.count() == 1


def test_names_that_make_the_same_slug_get_slugs_of_their_own():
    agents = make_gang()
    for name in ("digits!", "digits?"):
        succeed(make_claimed(*agents, name=name), agents)

    assert sorted(Result.objects.values_list("slug", flat=True)) == ["digits", "digits-2"]


def test_a_job_that_fails_leaves_no_result():
    agents = make_gang()
    job = make_claimed(*agents)
    for agent in agents:
        agent.ack()
    agents[0].exit("failed", "bad_data")
    agents[1].exit("failed", "bad_data")
    job.refresh_from_db()

    assert job.state == "failed"
    assert not ResultVersion.objects.exists()
