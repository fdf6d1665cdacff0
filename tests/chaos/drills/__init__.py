"""Faults of `docs/reliability.md` made on a whole Fleetune: `make chaos ONLY=F04 N=30`. Each drill prints its figures.

A drill takes the fleet, how often to do it and how long an outage lasts (seconds); it raises AssertionError.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.drills import clocks, devices, network, outages, people, processes
from tests.chaos.drills.fleet import Fleet


@dataclass(frozen=True)
class Drill:
    run: Callable[[Fleet, int, float], None]
    times: int = 1
    """how often when nobody says"""
    seconds: float = 0
    devices: int = 2
    hosts: int = 0
    """of their own, beside the server's"""


DRILLS = {
    "F01": Drill(processes.ranks_die, times=30),
    "F02": Drill(processes.an_agent_stays_away, seconds=600),
    "F04": Drill(devices.devices_die, times=30, devices=3),
    "F07": Drill(processes.a_rank_is_frozen, times=3),
    "F20": Drill(outages.broker, seconds=600),
    "F24": Drill(processes.the_web_process_dies_again_and_again, seconds=120),
    "F25": Drill(outages.server, seconds=600),
    "F26": Drill(outages.database, seconds=600),
    "F32": Drill(outages.upgrade, seconds=60),
    "F33": Drill(network.cut_off, hosts=1),
    "F34": Drill(network.deaf_pair, devices=1, hosts=2),
    "F37": Drill(clocks.jump, times=4),
    "F45": Drill(people.pause_at_random_moments, times=20),
    "F46": Drill(people.cancel_at_random_moments, times=20),
    "F48": Drill(processes.everything_dies_at_once),
}
