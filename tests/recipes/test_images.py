"""The limit of time for one picture: it ends what is too slow, never the one before or after it."""

import os
import time

import pytest
from PIL import Image

from recipes import images
from recipes.images import Unreadable, decode
from tests.recipes.pictures import plain

LIMIT_S = 1.5
IN_TIME_S = 0.8
SLOW_S = 10


@pytest.fixture
def limit(monkeypatch):
    """A limit of its own, of LIMIT_S, so that no alarm of another test is on its way."""
    fresh = images._TimeLimit()
    monkeypatch.setattr(images, "_time_limit", fresh)
    monkeypatch.setattr(images, "MAX_SECONDS", LIMIT_S)
    yield fresh
    images.signal.setitimer(images.signal.ITIMER_REAL, 0)


@pytest.fixture
def slow(monkeypatch):
    """Pictures that take as long as told to load."""
    took = []
    load = Image.Image.load

    def loading(self):
        while took and time.monotonic() < took[0]:
            pass
        return load(self)

    monkeypatch.setattr(images, "_opened", lambda data: _Loading(loading))
    return took


class _Loading:
    format, info, mode = "PNG", {}, "L"

    def __init__(self, load):
        self._image = Image.new("L", (1, 1))
        self._load = load

    def load(self):
        self._load(self._image)


def test_a_picture_that_takes_too_long_is_unreadable_and_the_next_one_is_read(limit, slow):
    """S49"""
    decode(b"quick")
    for _again in range(2):
        slow[:] = [time.monotonic() + SLOW_S]
        began = time.monotonic()
        with pytest.raises(Unreadable, match="takes longer"):
            decode(b"slow")
        assert time.monotonic() - began < SLOW_S
        slow.clear()
        assert decode(b"quick").mode == "L"


def test_an_alarm_set_for_one_picture_does_not_end_a_later_one(limit, slow):
    decode(b"sets the alarm")
    slow[:] = [time.monotonic() + IN_TIME_S]
    decode(b"ends in time")
    slow[:] = [time.monotonic() + IN_TIME_S]
    decode(b"is at work when the alarm of the first one rings")
    slow.clear()
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        pass  # it rings while no picture is read
    assert decode(b"and goes on").mode == "L"


def test_a_forked_process_has_alarms_of_its_own():
    decode(plain(3))
    assert images._time_limit._is_set
    child = os.fork()
    if not child:
        os._exit(int(images._time_limit._is_set))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
