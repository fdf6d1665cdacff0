"""One formatter for every process: JSON in files, readable on a terminal, with the ids of what a line is about."""

import json
import logging
import subprocess
import sys

import pytest

from contract import logs

EMPTY = dict.fromkeys(logs.IDS)


@pytest.fixture(autouse=True)
def no_ids_of_the_process(monkeypatch):
    """A test before this one may have set this process up as one of ours, or served a request in it."""
    monkeypatch.setattr(logs, "_process", {})
    token = logs._about.set(None)
    yield
    logs._about.reset(token)


@pytest.fixture
def said():
    """Lines that are logged, as a file gets them."""
    lines: list[dict] = []
    handler = logging.Handler()
    handler.setFormatter(logs.Formatter("web", readable=False))
    handler.emit = lambda record: lines.append(json.loads(handler.format(record)))
    log = logging.getLogger("of.a.test")
    log.addHandler(handler)
    yield lines
    log.removeHandler(handler)


def say(text="hello", *args, **more):
    logging.getLogger("of.a.test").warning(text, *args, **more)


def test_a_line_carries_the_ids_of_what_it_is_about_and_null_for_the_rest(said):
    with logs.about(job=3):
        with logs.about(attempt=7):
            logs.note(rank=1)
            say("step %s", 5)
        say()
    say()
    ids = [{name: line[name] for name in logs.IDS} for line in said]
    assert ids == [EMPTY | {"job": 3, "attempt": 7, "rank": 1}, EMPTY | {"job": 3}, EMPTY]
    assert (said[0]["text"], said[0]["process"], said[0]["level"]) == ("step 5", "web", "WARNING")


def test_an_error_is_one_line_with_its_trace(said):
    try:
        1 / 0  # noqa: B018 - fails on purpose
    except ZeroDivisionError:
        say("that failed", exc_info=True)
    (line,) = said
    assert line["trace"].splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_people_read_the_same_line_without_braces():
    record = logging.LogRecord("agent.duties", logging.INFO, "", 1, "started", None, None)
    with logs.about(job=3, attempt=7):
        text = logs.Formatter("agent", readable=False).format(record)
        shown = logs.Formatter("agent", readable=True).format(record)
    assert shown.endswith("INFO agent agent.duties: started [job 3 attempt 7]")
    assert logs.readable(text) == shown
    assert logs.readable("plain words of native code") == "plain words of native code"
    assert logs.readable('{"at": torn') == '{"at": torn'


SCRIPT = """
import logging, threading, warnings
from contract import logs
logs.set_up("rank", job=3, attempt=7, rank=0, device="cpu-1")
logging.getLogger("a").info("said")
warnings.warn("careful")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start(); thread.join()
raise KeyError("nobody caught this")
"""


def test_whatever_a_process_says_carries_the_ids_that_it_was_set_up_with():
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in told.stderr.splitlines()]
    assert [line["logger"] for line in lines] == ["a", "py.warnings", "uncaught", "uncaught"]
    assert {tuple(line[name] for name in logs.IDS) for line in lines} == {(3, 7, None, "cpu-1", 0)}
    assert "ZeroDivisionError" in lines[2]["trace"] and "nobody caught this" in lines[3]["trace"]
