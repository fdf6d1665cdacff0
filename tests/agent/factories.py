"""Small parts of a supervised run, without processes."""

import json
import time
from pathlib import Path

from agent.device_home import Device, DeviceHome
from agent.processes import own_identity
from agent.situation import Situation
from contract.agent_calls import Assignment
from contract.run_dir import write_json


def assignment(**changes) -> Assignment:
    values = {
        "kind": "attempt", "id": 11, "fence": 1, "job": 5, "number": 1, "rank": 1, "world_size": 2, "spec": {},
        "data": {},
    }  # fmt: skip
    return Assignment(**(values | changes))


def device(server: str = "http://127.0.0.1:1", **changes) -> Device:
    return Device(server, 7, "box-cpu-0", "device.7", "redis://127.0.0.1:1/0", "fleetune:device:7:", **changes)


def situation(path: Path, server: str = "http://127.0.0.1:1", **changes) -> Situation:
    """A supervisor's situation whose run directory lies under `path`."""
    home = DeviceHome(path)
    home.save(device(server), "fld_test")
    held = assignment(**changes)
    run = home.run_dir(held.kind, held.job, held.id)
    run.path.mkdir(parents=True)
    write_json(run.assignment, held.to_json())
    return Situation(home, home.device(), run, held, own_identity())


def sign_of_life(situation: Situation, age: float, budget: float = 1.0, **more) -> None:
    sign = {"stage": "fine_tune", "step": 7, "at": time.monotonic() - age, "budget": budget, "activity": ""}
    situation.run.progress.write_text(json.dumps(sign | more))
