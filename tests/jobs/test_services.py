"""What people ask of jobs: submit, stop, try again, pause, move, change, remove, and the demo."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command

from accounts.models import AuditEntry, User
from catalog.models import Dataset
from contract.problems import Invalid
from devices import services as devices
from jobs import clock, queue_order, reconciler, scheduling, services, welcome
from jobs.models import Artifact, Checkpoint, Job
from tests.accounts.factories import make_admin, make_project, make_user
from tests.devices.factories import make_device, make_host
from tests.jobs.factories import (
    make_claimed,
    make_gang,
    make_job,
    make_owner,
    make_prepared,
    make_running,
    make_version,
)

pytestmark = pytest.mark.django_db
BODY = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}}


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture
def maria():
    return make_owner()


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def problems_of(owner: User, **body) -> dict[str, str]:
    with pytest.raises(Invalid) as raised:
        services.submit(owner, BODY | body, via="api")
    return {problem.path: str(problem) for problem in raised.value.problems}


# Submitting


def test_a_job_with_only_task_dataset_and_model_is_complete(maria):
    make_version(maria)
    job = services.submit(maria, BODY, via="api")
    assert (job.state, job.wait_reason, job.name) == ("pending", "preparing_data", "shapes · conv")
    assert job.spec["training"]["num_train_epochs"] == 5
    assert job.spec["recipe"] == [{"step": "scale", "to": [0, 1]}]
    assert (job.position, job.seq, job.transitions.get().to_state) == (job.pk, 1, "pending")
    assert AuditEntry.objects.get(verb="submitted").object_id == str(job.pk)


def test_everything_that_is_named_and_not_there_is_told_at_once(maria):
    make_device("lab-1-cpu-0")
    found = problems_of(
        maria, dataset="nope", model={"source": "job", "id": 77}, devices={"ids": ["lab-1-cpu-0", "gone"]}, project="x"
    )
    assert found == {
        "project": "No project 'x' that you may use.",
        "dataset": "No dataset 'nope' that you may use. Choose one under Datasets.",
        "model.id": "No job #77 that you may use. Choose one under Jobs.",
        "devices.ids.1": "No device 'gone'. It may have been removed; choose another.",
    }


def test_an_unknown_dataset_is_told_together_with_what_is_badly_written(maria):
    make_version()
    with pytest.raises(Invalid) as told:
        services.submit(maria, BODY | {"dataset": "nothing", "trainng": {}}, via="rest")
    assert {problem.path for problem in told.value.problems} == {"trainng", "dataset"}


def test_a_dataset_of_a_foreign_project_is_as_unknown_as_none(maria):
    version = make_version(make_admin(), slug="secret")
    Dataset.objects.filter(pk=version.dataset_id).update(project=make_project("other"))
    told = problems_of(maria, dataset="secret")["dataset"]
    assert told == "No dataset 'secret' that you may use. Choose one under Datasets."


@pytest.mark.parametrize("state", ["importing", "failed"])
def test_a_dataset_that_is_not_ready_says_what_to_do(maria, state):
    make_version(maria)
    Dataset.objects.update(state=state)
    assert state == "importing" or "could not be imported" in problems_of(maria)["dataset"]
    assert state == "failed" or "still being imported" in problems_of(maria)["dataset"]


def test_named_devices_with_other_versions_are_refused_with_the_command_that_repairs_it(maria):
    make_version(maria)
    make_device("lab-1-cpu-0")
    make_device("old-cpu-0", make_host("old", torch="2.9.0+cpu"))
    sentence = problems_of(maria, devices={"ids": ["lab-1-cpu-0", "old-cpu-0"]})["devices"]
    assert "2.13.0" in sentence
    assert "2.9.0" in sentence
    assert "pip install torch==2.13.0" in sentence


def test_a_source_job_that_failed_has_nothing_to_start_from(maria):
    source = make_job()
    Job.objects.filter(pk=source.pk).update(state="failed", end_reason="killed")
    assert "has no result" in problems_of(maria, model={"source": "job", "id": source.pk})["model.id"]


def test_a_viewer_may_not_submit():
    make_version(make_owner())
    with pytest.raises(PermissionDenied, match="Needs Operator"):
        services.submit(make_user("vera", "viewer"), BODY, via="api")


def test_a_clone_asks_for_the_same(maria):
    job = make_job(schedule={"priority": 3})
    twin = services.clone(job, maria, via="api")
    assert (twin.spec, twin.priority, twin.pk != job.pk) == (job.spec, 3, True)


# Stopping


def test_a_waiting_job_is_cancelled_at_once(maria):
    job = make_job()
    services.cancel(job, maria)
    assert (again(job).state, again(job).end_reason, again(job).reason_params["user"]) == (
        "cancelled",
        "user_cancelled",
        "maria",
    )


def test_a_running_job_is_cancelled_when_all_its_ranks_are_gone(gang, maria):
    job = make_running(*gang)
    services.cancel(job, maria)
    assert again(job).state == "cancelling"
    assert gang[0].lease().json()["wanted"] == "cancel"
    gang[0].exit("cancelled", "user_cancelled")
    assert again(job).state == "cancelling"
    gang[1].exit("cancelled", "user_cancelled")
    ended = again(job)
    assert (ended.state, ended.end_reason, ended.reason_params["user"]) == ("cancelled", "user_cancelled", "maria")


def test_force_asks_for_a_stop_at_once_and_shortens_the_deadline(gang, maria):
    job = make_running(*gang)
    services.cancel(job, maria)
    services.cancel(job, maria, force=True)
    assert gang[0].lease().json()["wanted"] == "stop"
    assert again(job).deadline_at <= clock.now() + timedelta(seconds=3)


@pytest.mark.parametrize(("force", "seconds"), [(False, 10), (True, 3)])
def test_a_job_whose_ranks_say_nothing_is_cancelled_at_its_deadline(gang, maria, force, seconds):
    job = make_running(*gang)
    services.cancel(job, maria, force=force)
    assert reconciler.end_overdue_jobs(clock.now() + timedelta(seconds=seconds - 1)) == 0
    reconciler.end_overdue_jobs(clock.now() + timedelta(seconds=seconds))
    assert again(job).state == "cancelled"


def test_a_job_that_was_only_claimed_is_cancelled_when_its_agents_have_seen_it(gang, maria):
    job = make_claimed(*gang)
    services.cancel(job, maria)
    for agent in gang:
        (assigned,) = agent.assignments()
        assert assigned["wanted"] == "cancel"
        agent.exit("cancelled", "user_cancelled")
    assert again(job).state == "cancelled"


def test_a_finished_job_cannot_be_cancelled(gang, maria):
    job = make_running(*gang)
    for agent in gang:
        agent.exit()
    with pytest.raises(services.Refused, match="already succeeded"):
        services.cancel(job, maria)
    assert not AuditEntry.objects.filter(verb="cancelled").exists()


def test_a_success_that_comes_after_a_cancel_stays_cancelled(gang, maria):
    job = make_running(*gang)
    services.cancel(job, maria)
    for agent in gang:
        agent.exit()
    assert again(job).state == "cancelled"


# Trying again


def failed_job(gang) -> Job:
    job = make_running(*gang)
    for agent in gang:
        agent.save(10, "ten")
    gang[0].exit("failed", "code_error", rank=0)
    gang[1].exit("cancelled")
    return again(job)


def test_trying_again_goes_on_from_the_newest_checkpoint(gang, maria):
    job = failed_job(gang)
    services.retry(job, maria)
    waiting = again(job)
    assert (waiting.state, waiting.end_reason, waiting.failures, waiting.ended_at) == ("pending", "", 0, None)
    assert waiting.reason_params["checkpoint"] == 10
    assert set(Checkpoint.objects.values_list("state", flat=True)) == {"complete"}


def test_trying_again_from_the_start_uses_no_checkpoint(gang, maria):
    job = failed_job(gang)
    services.retry(job, maria, start=True)
    scheduling.round(clock.now())
    from tests.jobs.factories import listed

    for agent in gang:
        agent.ack(listed(10, "ten"))
    assert job.attempts.get(number=2).resumed_from_step == 0


def test_a_running_job_cannot_be_tried_again(gang, maria):
    with pytest.raises(services.Refused, match="already running"):
        services.retry(make_running(*gang), maria)


# Pausing and moving


def test_a_waiting_job_is_held_until_it_is_resumed(gang, maria):
    job = make_job()
    services.pause(job, maria)
    assert scheduling.round(clock.now()) == 0
    assert (again(job).state, again(job).wait_reason) == ("pending", "paused")
    services.resume(job, maria)
    assert scheduling.round(clock.now()) == 1


def test_a_running_job_pauses_at_a_checkpoint_and_counts_no_attempt(gang, maria):
    job = make_running(*gang)
    services.pause(job, maria)
    assert again(job).state == "draining"
    assert gang[0].lease().json()["wanted"] == "drain"
    for agent in gang:
        agent.save(40, "forty")
        agent.exit("drained", "drained")
    held = again(job)
    assert (held.state, held.wait_reason, held.failures) == ("pending", "paused", 0)
    assert (held.reason_params["user"], held.reason_params["checkpoint"]) == ("maria", 40)
    assert job.attempts.get().end_reason == "paused"


def test_a_drain_that_takes_too_long_ends_without_a_new_checkpoint(gang, maria):
    job = make_running(*gang)
    services.pause(job, maria)
    reconciler.end_overdue_jobs(clock.now() + timedelta(seconds=61))
    assert (again(job).state, again(job).wait_reason) == ("pending", "paused")


def test_draining_a_device_lets_its_job_finish_or_moves_it(gang):
    admin = make_admin()
    job = make_running(*gang)
    devices.drain(gang[0].device, admin, running="finish")
    assert again(job).state == "running"
    devices.resume(gang[0].device, admin)
    devices.drain(gang[0].device, admin, running="move")
    assert again(job).state == "draining"
    for agent in gang:
        agent.exit("drained", "drained")
    waiting = again(job)
    assert (waiting.state, waiting.wait_reason, waiting.reason_params["reason"]) == (
        "pending",
        "retry_delay",
        "drained",
    )


def test_a_shutdown_brings_running_jobs_to_rest_and_they_go_on_afterwards(gang):
    job = make_running(*gang)
    assert services.shut_down() == 1
    for agent in gang:
        agent.exit("drained", "shutdown")
    assert (again(job).wait_reason, again(job).failures) == ("retry_delay", 0)
    assert scheduling.round(clock.now()) == 1


def test_a_delayed_job_can_start_now(gang, maria):
    job = make_running(*gang)
    Job.objects.filter(pk=job.pk).update(failures=1)
    gang[0].exit("failed", "killed", rank=0)
    gang[1].exit("cancelled")
    assert scheduling.round(clock.now()) == 0
    assert again(job).wait_reason == "retry_delay"
    services.resume(job, maria)
    assert scheduling.round(clock.now()) == 1


def test_jobs_change_places_in_the_queue(maria):
    first, second, third = make_job(), make_job(), make_job()
    order = lambda: [job.pk for job in queue_order.waiting()]  # noqa: E731 - read three times below
    services.move(third, maria, "up")
    assert order() == [first.pk, third.pk, second.pk]
    services.move(second, maria, "top")
    assert order() == [second.pk, first.pk, third.pk]
    services.move(second, maria, "down")
    assert order() == [first.pk, second.pk, third.pk]


# Changing and removing


def test_name_tags_priority_and_archive_can_be_changed_and_are_audited(maria):
    job = make_job()
    services.change(job, maria, name="better", tags=["a"], priority=-3, archived=True)
    assert (again(job).name, again(job).tags, again(job).priority, again(job).archived) == ("better", ["a"], -3, True)
    assert AuditEntry.objects.get(verb="changed").after["name"] == "better"


def test_a_change_names_every_problem(maria):
    job = make_job()
    with pytest.raises(Invalid) as raised:
        services.change(job, maria, name="", priority=11, state="succeeded")
    assert {problem.path for problem in raised.value.problems} == {"name", "priority", "state"}
    assert again(job).state == "pending"


def test_only_an_ended_job_can_be_removed(maria):
    job = make_job()
    with pytest.raises(services.Refused):
        services.remove(job, maria)
    services.cancel(job, maria)
    services.remove(job, maria)
    assert again(job).removed_by == maria


# The demo


@pytest.fixture
def demo(settings, monkeypatch):
    """The demo, with datasets that need no import."""

    def add(owner, project, builtin, *, name=None, demo=False):
        before = Dataset.objects.filter(source__builtin=builtin).count()
        slug = f"{builtin}-{before + 1}" if before else builtin
        version = make_version(owner, slug=slug, demo=demo, source={"builtin": builtin})
        make_prepared(version)
        return version.dataset

    settings.FLEETUNE_DEMO = True
    monkeypatch.setattr("catalog.services.add_builtin", add)
    call_command("seed_demo")
    return User.objects.get(username="admin")


def test_the_demo_is_seeded_once_with_its_three_jobs(demo):
    call_command("seed_demo")
    jobs = list(Job.objects.order_by("id"))
    assert [job.spec["model"]["source"] for job in jobs] == ["dense", "conv", "job"]
    assert [job.version.dataset.slug for job in jobs] == ["mnist-5k", "mnist-5k", "digits-8x8"]
    assert (jobs[2].source, all(job.demo for job in jobs)) == (jobs[1], True)
    assert not demo.has_usable_password()


def test_the_first_admin_gets_the_password_of_the_environment(monkeypatch, settings):
    settings.FLEETUNE_DEMO = False
    monkeypatch.setenv("FLEETUNE_ADMIN_PASSWORD", "correct horse battery")
    call_command("seed_demo")
    assert User.objects.get(username="admin").check_password("correct horse battery")
    assert not Job.objects.exists()


def test_the_demo_can_be_removed_and_does_not_come_back(demo):
    services.remove_demo(demo)
    assert not Job.objects.filter(removed_at=None).exists()
    assert not Dataset.objects.filter(removed_at=None).exists()
    call_command("seed_demo")
    assert Job.objects.count() == 3


def test_a_demo_that_was_removed_can_be_brought_back(demo):
    assert welcome.how_the_demo_is(demo) == "running"
    services.remove_demo(demo)
    assert welcome.how_the_demo_is(demo) == "removed"
    back = services.run_demo_again(demo)
    assert [job.version.dataset.slug for job in back] == ["mnist-5k-2", "mnist-5k-2", "digits-8x8-2"]
    assert welcome.how_the_demo_is(demo) == "running"


def test_a_clone_of_the_demo_gives_way_to_nobody(demo):
    job = Job.objects.order_by("id").first()
    assert (job.priority, job.spec["schedule"]["preemptible"]) == (-10, True)
    own = services.clone(job, demo, via="page")
    assert (own.priority, own.spec["schedule"]["preemptible"], own.demo) == (0, False, False)


def test_a_demo_dataset_that_others_use_stays(demo):
    services.submit(demo, BODY | {"dataset": "mnist-5k"}, via="page")
    services.remove_demo(demo)
    kept = Dataset.objects.get(removed_at=None)
    assert (kept.slug, kept.demo) == ("mnist-5k", False)


def test_the_demo_can_be_run_again_once_it_is_over(demo):
    with pytest.raises(services.Refused):
        services.run_demo_again(demo)
    Job.objects.update(state="succeeded")
    again_jobs = services.run_demo_again(demo)
    assert [job.demo for job in again_jobs] == [True] * 3
    assert again_jobs[2].source == again_jobs[1]
    assert not Artifact.objects.exists()
