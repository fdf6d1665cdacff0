import signal
import subprocess
import sys
import time

import pytest

from agent import watchdog as watchdog_module
from agent.processes import identity_of
from agent.stopping import PATIENCE_S, Stopper
from agent.watchdog import Watchdog
from contract.timing import HANG_GRACE_S, START_STALL_S
from tests.agent.factories import sign_of_life, situation
from tests.waiting import wait_until


@pytest.fixture
def here(tmp_path):
    return situation(tmp_path)


@pytest.fixture
def watchdog(here):
    """Of a rank that was let go a long time ago."""
    here.run.go.write_text("{}")
    watchdog = Watchdog(here)
    watchdog.go_at = time.monotonic() - 10_000
    return watchdog


def test_a_rank_that_waits_for_the_others_is_not_watched(here):
    assert Watchdog(here).look() is None
    sign_of_life(here, age=10_000)
    assert Watchdog(here).look() is None


def test_a_rank_may_be_silent_for_its_budget_and_the_grace(here, watchdog):
    sign_of_life(here, age=HANG_GRACE_S + 9, budget=10)
    assert watchdog.look() is None
    sign_of_life(here, age=HANG_GRACE_S + 11, budget=10)
    stall = watchdog.look()
    assert (stall.reason, stall.params["step"], stall.params["rank"]) == ("stalled", 7, 1)
    assert "at step 7 (fine_tune)" in stall.sentence


def test_one_that_never_moved_has_the_time_of_a_start(here):
    here.run.go.write_text("{}")
    watchdog = Watchdog(here)
    sign_of_life(here, age=5, budget=0)
    watchdog.go_at = time.monotonic() - START_STALL_S + 1
    assert watchdog.look() is None
    watchdog.go_at -= 2
    here.run.progress.unlink()
    assert watchdog.look().reason == "start_timeout"


def test_a_sign_that_is_torn_counts_as_none(here, watchdog):
    here.run.progress.write_text('{"stage": "fine')
    assert watchdog.look().reason == "start_timeout"


def test_the_state_of_a_frozen_process_is_told(here, watchdog, monkeypatch):
    here.rank = here.supervisor
    monkeypatch.setattr(watchdog_module, "state_letter", lambda pid: "T")
    stall = watchdog.look()
    assert "stopped (T)" in stall.sentence and stall.params["process_state"] == "T"


@pytest.fixture
def rank(here):
    """A process in a session of its own that ignores TERM."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
    process.stdout.readline()
    here.rank = identity_of(process.pid)
    yield process
    process.kill()
    process.wait()


def test_a_word_comes_first_and_the_stricter_one_wins(here):
    stopper = Stopper(here)
    stopper.apply()
    assert not here.run.wanted.exists()
    for word, expected in (("drain", "drain"), ("cancel", "cancel"), ("drain", "cancel"), ("stop", "stop")):
        here.ask(word, "server")
        stopper.apply()
        assert here.run.wanted.read_text() == expected


def test_drain_waits_cancel_less_and_stop_not_at_all():
    assert PATIENCE_S["drain"] > PATIENCE_S["cancel"] > PATIENCE_S["stop"]
    assert PATIENCE_S["stop"][0] == 0


def test_a_rank_that_hears_no_word_and_no_term_is_killed_in_the_end(here, rank):
    stopper = Stopper(here)
    here.ask("stop", "server")
    stopper.apply()
    assert rank.poll() is None, "TERM was ignored"
    stopper.kill_at = time.monotonic()
    wait_until(lambda: stopper.apply() or rank.poll() is not None, within=5)
    assert rank.returncode == -signal.SIGKILL and stopper.killed
