"""`fleetune check` against a real server: its exit status is what a CI goes by."""

import json

import pytest

from accounts.models import Scope
from checks.management.commands.fleetune_check import Command
from checks.models import FleetTest
from fleetune import check
from jobs import clock, scheduling
from tests.accounts.factories import make_token
from tests.checks.factories import checks
from tests.jobs.factories import make_claimed, make_gang, make_owner
from tests.results.factories import succeed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agents():
    return make_gang()


@pytest.fixture
def job(agents):
    return succeed(make_claimed(*agents, requirements=["file <= 1 MB"]), agents)


@pytest.fixture
def ask(job, live_server, monkeypatch):
    monkeypatch.setenv("FLEETUNE_URL", live_server.url)
    monkeypatch.setenv("FLEETUNE_TOKEN", make_token(make_owner(), Scope.RUN))
    return lambda *words: check.main(["check", *words])


def test_limits_that_are_kept_are_0_a_missed_one_1_and_an_unmeasured_one_2(ask, job, capsys):
    job_number = str(job.pk)
    assert ask("--job", job_number) == 0
    assert "pass     file <= 1 MB  28 B · model.safetensors" in capsys.readouterr().out
    assert ask("--job", job_number, "--limit", "file <= 1 B") == 1
    assert "FAIL" in capsys.readouterr().out
    slug = job.result_version.result.slug
    assert ask("--result", slug, "--limit", "p99 <= 20 ms") == 2
    assert "not measured  p99 <= 20 ms" in capsys.readouterr().out

    assert ask("--job", str(job.pk), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["exit_status"], told["requirements"][0]["verdict"]) == ("met", 0, "met")


def test_what_cannot_be_asked_is_2_with_one_sentence(ask, job, capsys):
    for words, why in (
        ([], "Name one thing to check"),
        (["--job", "999999"], "nothing here"),
        (["--job", "1", "--url", "http://127.0.0.1:9"], "does not answer"),
        (["--job", "1", "--url", "nonsense"], "FLEETUNE_URL"),
        (["--job", "1", "--token", "flt_wrong"], "."),
        (["--job", str(job.pk), "--limit", "be good"], "Write it like"),
    ):
        assert ask(*words) == 2
        told = capsys.readouterr()
        assert why in told.err and not told.out and told.err.count("\n") == 1


def test_the_fleet_is_tested_and_waited_for(ask, agents, monkeypatch, capsys):
    monkeypatch.setattr(check.time, "sleep", lambda _seconds: _reply(agents))
    assert ask("--fleet") == 0
    out = capsys.readouterr().out
    assert "pass     lab-1-cpu-1  links" in out and "passed (release 0.1.0" in out


def test_a_test_that_takes_too_long_is_stopped(ask, capsys):
    assert ask("--speed", "--wait", "0") == 2
    assert "was stopped" in capsys.readouterr().err
    assert FleetTest.objects.get().devices.first().errand.state == "cancelled"


def test_the_management_command_is_the_same(ask, job):
    with pytest.raises(SystemExit) as leaving:
        Command().run_from_argv(["manage.py", "fleetune_check", "--job", str(job.pk)])
    assert leaving.value.code == 0


def _reply(agents) -> None:
    scheduling.round(clock.now())
    for rank, agent in enumerate(agents):
        if agent.assignments():
            agent.ack()
            agent.post("exit", outcome="succeeded", answer={"ok": True, "checks": checks(rank)}, gone=True)
