"""A bounded sample of `make soak`: its minute must cost the web server nothing that stays."""

import pytest

from tests.chaos.soak import MIB, soak

pytestmark = [pytest.mark.integration, pytest.mark.chaos]
MOST_GROWTH = 20 * MIB


def test_twenty_pages_read_for_a_minute_beside_three_that_stalled_and_miss_nothing(tmp_path):
    seen = soak(tmp_path, seconds=60, pages=20, stalled=3)
    assert seen.gaps == 0
    assert seen.growth(after=20) < MOST_GROWTH
