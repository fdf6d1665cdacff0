import os
import stat

import pytest

from training import starter as warm
from training.starter import load, thread_count


def test_a_function_is_found_by_name():
    assert load("os.path:join") is os.path.join


def test_a_fork_is_refused_while_other_threads_run(monkeypatch):
    monkeypatch.setattr(warm, "thread_count", lambda: 2)
    with pytest.raises(RuntimeError, match="OMP_NUM_THREADS"):
        warm._answer({"supervise": "os.path:join", "rank": "os.path:join"})


def test_threads_are_counted():
    assert thread_count() >= 1


@pytest.mark.integration
def test_the_starter_is_warm_single_threaded_and_for_its_user_only(starter):
    assert starter.ask({"ping": True}) == {"pid": starter.process.pid}
    assert len(os.listdir(f"/proc/{starter.process.pid}/task")) == 1
    assert stat.S_IMODE(starter.socket.stat().st_mode) == 0o600


@pytest.mark.integration
@pytest.mark.parametrize("request_", [{}, {"supervise": "no.such:thing", "rank": "os:getpid"}, []])
def test_a_bad_request_gets_an_error_and_harms_no_later_one(starter, request_):
    assert "error" in starter.ask(request_)
    assert starter.ask({"ping": True})["pid"] == starter.process.pid
