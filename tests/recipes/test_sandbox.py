"""The sandbox: no secrets, no network, no programs, limits that hold, and an end that is always told."""

import platform
import socket
import sys

from recipes.sandbox import outside
from recipes.sandbox.outside import Limits

FILTERED = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")
"""elsewhere there is no such filter (`docs/limits.md`)"""


def run(name, request=None, **options):
    return outside.run(f"tests.recipes.sandbox_work:{name}", request or {}, **options)


def test_none_of_our_variables_reach_the_child(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    assert "s3cret" not in str(run("environment").result)


def test_no_connection_can_be_made_and_no_program_started():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert run("open_socket", {"port": server.getsockname()[1]}).result == ("refused" if FILTERED else "open")
    assert run("start_program").result == ("refused" if FILTERED else "ran")


def test_memory_time_and_file_size_are_limited(tmp_path):
    limits = Limits(memory_bytes=2**28, cpu_seconds=1, file_bytes=1000)
    assert "not enough memory" in run("eat_memory", {"bytes": 2**30}, limits=limits).refused
    assert run("eat_memory", {"bytes": 2**24}, limits=limits).result == 2**24
    assert run("write_much", {"path": str(tmp_path / "big"), "bytes": 5000}, limits=limits).result == "refused"
    assert "killed by signal" in run("burn", limits=limits).died


def test_a_refusal_comes_back_as_a_sentence_with_its_parts():
    answer = run("refuse", {"who": "Nobody"})
    assert answer.refused % answer.params == "Nobody cannot go on."


def test_a_death_tells_how_and_of_what():
    answer = run("die")
    assert (answer.at, answer.result) == ("cat.png", None)
    assert "signal 11" in answer.died


def test_an_exception_ends_as_a_death_with_its_last_words():
    assert "KeyError: 'label'" in run("break_down").died


def test_work_that_nobody_wants_any_more_is_stopped():
    assert run("burn", keep_going=lambda: False).stopped
    assert run("burn", seconds=0.5).stopped
