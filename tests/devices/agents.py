"""Talking to the server as an agent does: JSON bodies with a version, and the device's credential."""

import json
from typing import Any

from django.test import Client

OFFER = {"kind": "cpu", "index": 0, "label": "a CPU", "memory_bytes": 8 * 2**30, "cores": [0, 1]}
ONE = {"boot_id": "b1", "pid": 100, "start_ticks": 5000}
TWO = {"boot_id": "b1", "pid": 200, "start_ticks": 6000}


def call(path: str, credential: str = "", body: Any = None, method: str = "POST"):
    """One call of the protocol; `body` gets its version unless it has one."""
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    content = json.dumps({"v": 1, **body} if isinstance(body, dict) else body)
    return Client().generic(method, f"/agent/v1/{path}", content, "application/json", headers=headers)


def enrol(token: str, host: str = "lab-1", devices: list | None = None, environment: dict | None = None):
    body = {"token": token, "host": host, "environment": environment or {"platform": "linux"}}
    return call("enrol", body=body | {"devices": devices or [OFFER]})


def beat(credential: str, process: dict | None = None, **more):
    return call("heartbeat", credential, {"process": process or ONE, "environment_hash": "", **more})
