"""What the apps upstairs (jobs, catalog) want to be told by devices, which knows none of them. Lists of callables."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contract.agent_calls import Heartbeat
    from devices.models import Device

after_heartbeat: list[Callable[["Device", "Heartbeat"], Any]] = []
"""called in the heartbeat's request, after its transaction"""
move_jobs_off: list[Callable[["Device", Any], Any]] = []
"""`(device, actor)`: a user drains it and wants what runs there to go on elsewhere from a checkpoint"""
fleet_changed: list[Callable[[], Any]] = []
"""after the commit of anything that a list of devices shows: state, name, labels, a new or a gone device"""


def tell_fleet_changed() -> None:
    for listener in fleet_changed:
        listener()
