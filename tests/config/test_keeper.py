"""The keeper: what dies comes back, and nothing is left when it ends."""

import os
import signal
import sys

import psutil
import pytest

from config.keeper import Keeper, NotReady, Part, wait_for
from config.leftovers import end_leftovers
from tests.waiting import wait_until

FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def keeper(tmp_path):
    kept = Keeper(tmp_path)
    yield kept
    kept.end(kept.parts, within=1)


def test_a_part_that_dies_is_started_again(keeper):
    keeper.start(Part("sleeper", FOREVER))
    first = keeper.parts[0].process
    first.send_signal(signal.SIGKILL)
    first.wait(5)
    keeper.parts[0].started_at -= 60
    wait_until(lambda: keeper.look() or keeper.parts[0].process is not first, within=5)
    assert keeper.parts[0].process.poll() is None


def test_a_part_that_ended_for_good_is_not_started_again(keeper, capsys):
    keeper.start(Part("removed", [sys.executable, "-c", "raise SystemExit(3)"], final_code=3))
    keeper.parts[0].process.wait(5)
    keeper.look()
    assert keeper.parts == []
    assert "removed has ended for good" in capsys.readouterr().out


def test_ending_leaves_no_process_even_of_one_that_ignores_the_signal(keeper):
    deaf = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    keeper.start(Part("deaf", [sys.executable, "-c", deaf]))
    wait_until(lambda: b"up" in (keeper.logs / "deaf.log").read_bytes(), within=5)
    keeper.end(keeper.parts, within=1)
    assert keeper.parts[0].process.poll() == -signal.SIGKILL


def test_a_part_that_never_answers_is_told_with_the_place_of_the_logs(keeper):
    keeper.start(Part("silent", FOREVER))
    with pytest.raises(NotReady, match=str(keeper.logs)):
        wait_for(keeper, lambda: False, within=0.2)


def test_leftovers_of_our_devices_are_ended_and_those_of_others_are_not(tmp_path):
    ours = psutil.Popen(FOREVER, env={**os.environ, "FLEETUNE_DEVICE_HOME": str(tmp_path / "devices" / "cpu-0")})
    other = psutil.Popen(FOREVER, env={**os.environ, "FLEETUNE_DEVICE_HOME": str(tmp_path / "elsewhere" / "cpu-0")})
    try:
        wait_until(
            lambda: "FLEETUNE_DEVICE_HOME" in ours.environ() and "FLEETUNE_DEVICE_HOME" in other.environ(), within=5
        )
        end_leftovers(tmp_path / "devices")
        assert ours.wait(5) is not None
        assert other.is_running() and other.status() != psutil.STATUS_ZOMBIE
    finally:
        other.kill()
        other.wait()
