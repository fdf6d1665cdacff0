"""An admin breaks a part of a demo job on purpose; the device does it, once, and the page tells what follows."""

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from jobs import clock, scheduling, services
from jobs.job_page import recovery
from jobs.models import Job
from jobs.services import trying
from tests.accounts.factories import make_admin
from tests.jobs.factories import FakeAgent, bring_to_running, listed, make_gang, make_owner, make_running

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_admin()


@pytest.fixture
def gang() -> list[FakeAgent]:
    return make_gang()


@pytest.fixture
def demo(gang) -> Job:
    return make_running(*gang, demo=True)


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def kills(agent: FakeAgent) -> str:
    return agent.lease().json()["kill"].partition(":")[0]


@pytest.mark.parametrize("kind", ["rank", "agent"])
def test_the_supervisor_of_the_last_rank_gets_the_order_once(demo, gang, admin, kind):
    services.try_failure(demo, admin, kind)
    assert kills(gang[0]) == ""
    orders = [gang[1].lease().json()["kill"] for _ in range(2)]
    assert orders[0].startswith(kind) and orders[1] == orders[0], "an answer may be lost: the same order again"
    assert AuditEntry.objects.filter(verb="tried a failure").get().actor == admin


def test_the_next_attempt_gets_no_order_that_was_meant_for_this_one(demo, gang, admin):
    services.try_failure(demo, admin, "rank")
    gang[0].exit("failed", "killed", rank=0)
    gang[1].exit("cancelled", "user_cancelled")
    scheduling.round(clock.now())
    bring_to_running(again(demo), *gang)
    assert [kills(agent) for agent in gang] == ["", ""]


def test_the_page_tells_each_step_of_the_recovery_with_its_seconds(demo, gang, admin):
    for agent in gang:
        agent.save(8, "eight")
    services.try_failure(demo, admin, "rank")
    assert recovery.happenings(again(demo))[0].seconds is None
    kills(gang[1])
    gang[1].exit("failed", "killed", rank=1)
    gang[0].exit("cancelled", "user_cancelled")
    assert recovery.happenings(again(demo))[-1].text == "It goes on from its last checkpoint…"
    scheduling.round(clock.now())
    for agent in gang:
        agent.ack(listed(8, "eight"))
    for agent in gang:
        agent.lease(port=5000, address="127.0.0.1")
        agent.prove()
    told = recovery.happenings(again(demo))
    assert [one.text for one in told] == [
        "The training process on lab-1-cpu-1 was killed.",
        "The supervisor told it; the others stopped too.",
        "All devices were taken for the next attempt.",
        "Every device was clean and had listed its checkpoints.",
        "Training goes on from step 8.",
    ]
    assert all(one.seconds is not None and 0 <= one.seconds < 60 for one in told)


def test_an_agent_that_is_back_is_told(demo, gang, admin):
    services.try_failure(demo, admin, "agent")
    kills(gang[1])
    assert recovery.happenings(again(demo))[-1].text == "Its keeper starts it again…"
    gang[1].device.process = {"boot_id": "b", "pid": 9, "start_ticks": 9}
    gang[1].device.save()
    assert recovery.happenings(again(demo))[-1].text == "A new agent took over the same training process."


def test_the_web_process_ends_itself_after_its_answer(
    demo, admin, client, monkeypatch, django_capture_on_commit_callbacks
):
    ended = []
    monkeypatch.setattr(trying, "end_this_process", lambda: ended.append(timezone.now()))
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"/jobs/{demo.pk}/do/try-failure/", {"kind": "web"})
    assert answer.status_code == 302
    assert len(ended) == 1


def test_only_running_demo_jobs_may_be_broken(gang, admin):
    job = make_running(*gang)
    with pytest.raises(services.Refused, match="demo jobs only"):
        services.try_failure(job, admin, "rank")
    Job.objects.update(demo=True, state="starting")
    with pytest.raises(services.Refused, match="while the job trains"):
        services.try_failure(job, admin, "rank")
    assert again(job).tried_failure == {}


def test_the_card_is_for_admins_and_demo_jobs(demo, admin, client):
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/jobs/{demo.pk}/").content.decode()
    assert all(f'data-testid="try-{kind}"' in page for kind in trying.KINDS)
    client.force_login(make_owner("maria"), backend="django.contrib.auth.backends.ModelBackend")
    assert 'data-testid="trial"' not in client.get(f"/jobs/{demo.pk}/").content.decode()
    assert client.post(f"/jobs/{demo.pk}/do/try-failure/", {"kind": "rank"}).status_code == 403
    assert again(demo).tried_failure == {}


def test_an_unknown_kind_is_not_there(demo, admin, client):
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(f"/jobs/{demo.pk}/do/try-failure/", {"kind": "server"}).status_code == 404
