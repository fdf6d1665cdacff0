"""Every wait and end reason has a sentence that names what it is about, and a next step."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.urls import resolve
from django.utils import translation

from contract.reasons import EndReason, WaitReason
from jobs import clock, sentences
from jobs.models import Attempt, Job
from jobs.sentences import ends, waits
from jobs.states import JobState
from tests.jobs.factories import make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    return make_job()


def line(job: Job, state: str, **fields) -> dict:
    for name, value in ({"state": state} | fields).items():
        setattr(job, name, value)
    return sentences.state_line(job)


def waiting(job: Job, reason: str, /, **params) -> dict:
    return line(job, JobState.PENDING, wait_reason=reason, reason_params=params)


def failed(job: Job, reason: str, /, **params) -> dict:
    return line(job, JobState.FAILED, end_reason=reason, reason_params=params)


def labels(told: dict) -> list[str]:
    return [action["label"] for action in told["actions"]]


def test_every_reason_has_a_sentence_even_without_parameters(job):
    assert waits.SENTENCES.keys() == set(WaitReason)
    assert ends.SENTENCES.keys() == set(EndReason)
    needed = {"job": 7, "wanted": 2, "fitting": 1, "ready": 1}
    for reason in WaitReason:
        assert waiting(job, reason, **needed)["text"].endswith((".", "!")), reason
    for reason in EndReason:
        told = failed(job, reason)
        assert told["text"].endswith((".", ")")), reason
        assert told["tone"] == "bad"
        assert told["actions"], reason


def test_every_action_leads_to_a_page_or_a_verb_that_exists(job):
    told = [failed(job, reason, device="gpu-2", checkpoint=10) for reason in EndReason]
    told += [waiting(job, reason, job=7, wanted=2, fitting=1, ready=1, device="gpu-2") for reason in WaitReason]
    for action in (action for one in told for action in one["actions"]):
        assert resolve(urlsplit(action["url"]).path), action
        assert action["method"] in ("get", "post")


def test_a_busy_device_is_named_with_its_job_and_the_time_left(job):
    other = make_job()
    started = clock.now() - timedelta(seconds=100)
    Attempt.objects.create(job=other, number=1, world_size=2, started_at=started, resumed_from_step=0)
    Job.objects.filter(pk=other.pk).update(step=100, total_steps=1300)
    told = waiting(job, "device_busy", device="gpu-2", job=other.pk)
    assert told["text"] == f"Waiting for gpu-2. Job #{other.pk} is using it, about 20 min left."
    assert "Use another device" in labels(told)


def test_an_offline_device_says_for_how_long(job):
    since = (clock.now() - timedelta(minutes=6)).isoformat()
    told = waiting(job, "device_offline", device="gpu-2", since=since)
    assert told["text"] == "Waiting for gpu-2. It has been offline for 6 min."


def test_a_drained_device_says_who_and_why(job):
    told = waiting(job, "draining", device="gpu-2", user="maria", why="fan swap")
    assert told["text"] == 'gpu-2 takes no new jobs (maria: "fan swap").'


def test_other_versions_are_told_with_the_command_that_repairs_them(job):
    from devices import environment
    from tests.devices.factories import make_device, make_host

    devices = [make_device("lab-1-cpu-0"), make_device("old-cpu-0", make_host("old", torch="2.9.0+cpu"))]
    (problem,) = environment.differences(devices)
    for told in (
        waiting(
            job, "no_device", wanted=2, fitting=1, registered=2, sentence=problem.sentence, versions=problem.params
        ),
        failed(job, "version_mismatch", sentence=problem.sentence, **problem.params),
    ):
        assert "2.13.0" in told["text"]
        assert "pip install torch==2.13.0" in told["text"]


def test_a_retry_says_why_when_and_from_where(job):
    told = waiting(job, "retry_delay", reason="device_lost", device="gpu-2", checkpoint=1000, seconds=15)
    assert told["text"] == (
        "Lost gpu-2: it stopped answering. Last checkpoint: step 1,000. Starts again in 15 s from step 1,000."
    )
    assert labels(told) == ["Start now"]


def test_a_source_job_is_named(job):
    told = waiting(job, "source_job", job=127)
    assert "job #127" in told["text"]
    assert labels(told) == ["See job #127"]
    ended = failed(job, "bad_data", source_job=127, source_state="cancelled")
    assert ended["text"] == "Job #127, whose result this job was to start from, was stopped."


def test_bad_data_repeats_what_the_builder_said(job):
    told = failed(job, "bad_data", dataset="shapes", sentence="%(file)s is empty.", params={"file": "a.png"})
    assert told["text"] == "a.png is empty."
    assert "See the dataset" in labels(told)


def test_a_failure_of_the_machine_offers_to_go_on_from_the_checkpoint(job):
    assert labels(failed(job, "killed", device="gpu-2", checkpoint=1000))[0] == "Go on from step 1,000"
    assert labels(failed(job, "killed", device="gpu-2", checkpoint=0))[0] == "Try again"


def test_an_error_in_the_code_shows_its_last_line(job):
    told = failed(job, "code_error", detail="Traceback\nKeyError: 'label'")
    assert told["text"] == "The trainer stopped with an error. KeyError: 'label'"
    assert "See the log" in labels(told)


def test_a_stopped_job_names_who_stopped_it(job):
    told = line(job, JobState.CANCELLED, end_reason="user_cancelled", reason_params={"user": "maria"})
    assert (told["text"], told["tone"]) == ("Stopped by maria.", "neutral")


@pytest.mark.parametrize("state", ["claimed", "starting", "running", "draining", "cancelling", "succeeded"])
def test_every_state_has_a_line(job, state):
    told = line(job, state, wait_reason="", end_reason="", reason_params={})
    assert told["text"]
    assert told["tone"] in ("neutral", "info", "ok", "warn", "bad", "hold")


def test_the_line_of_an_attempt_says_how_it_ended(job):
    attempt = Attempt(job=job, number=1, world_size=2)
    assert sentences.attempt_text(attempt, job) == ""
    attempt.ended_at, attempt.end_reason, attempt.reason_params = clock.now(), "killed", {"device": "gpu-2"}
    assert "gpu-2" in sentences.attempt_text(attempt, job)


def test_sentences_are_made_in_the_language_of_the_reader(job):
    with translation.override("zh-hans"):
        assert waiting(job, "scheduled", after=7)["text"]


def test_devices_that_cannot_reach_each_other_are_both_named_with_what_to_open(job):
    told = failed(
        job, EndReason.SYNC_TIMEOUT, device="a-cpu-1", devices=["a-cpu-1", "b-cpu-1"], what="unreachable", peer=1,
        addresses=["10.0.0.1", "10.0.0.2"],
    )  # fmt: skip
    assert told["text"] == (
        "a-cpu-1 and b-cpu-1 cannot reach each other over the network. "
        "Open TCP ports 1024 to 65535 between 10.0.0.1 and 10.0.0.2, in both directions."
    )
