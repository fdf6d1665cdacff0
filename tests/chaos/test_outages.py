"""Server, broker and database away for a minute each, with every setting of time as it is for a user."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chaos.drills import outages
from tests.chaos.drills.fleet import Fleet
from tests.e2e.conftest import fresh_home  # noqa: F401 - fixture
from tests.e2e.stack import UNHURRIED, Stack

pytestmark = [pytest.mark.integration, pytest.mark.chaos]
AWAY_S = 60


def test_a_minute_without_server_broker_or_database_costs_no_point_and_no_attempt(tmp_path, fresh_home):  # noqa: F811
    """Two Fleetunes at once, for most of it is waiting: one loses its server, the other broker and database."""
    parts = {"server": outages.server, "broker-and-database": outages.broker_and_database}
    with ThreadPoolExecutor(len(parts)) as pool:
        ends = [
            pool.submit(live_through, shutil.copytree(fresh_home, tmp_path / name / "home"), part)
            for name, part in parts.items()
        ]
    for end in ends:
        end.result()


def live_through(home: Path, outage: Callable[[Fleet, int, float], None]) -> None:
    fleet = Fleet(Stack(home, demo=False, FLEETUNE_CPU_DEVICES="2", **UNHURRIED), seed=1)
    try:
        outage(fleet.begin(), 1, AWAY_S)
        fleet.promises_hold()
    finally:
        fleet.stack.stop(within=60)
