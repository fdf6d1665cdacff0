"""Numbers in words."""

import pytest

from config.formats import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "—"), (0, "0 s"), (0.004, "< 0.1 s"), (0.06, "0.1 s"), (8.44, "8.4 s"), (42.4, "42 s"), (720, "12 min"),
     (4800, "1 h 20 min"), (183_600, "2 d 3 h")],
)  # fmt: skip
def test_a_duration_is_short_and_what_took_any_time_is_never_nothing(seconds, words):
    assert duration(seconds) == words
