"""What the page of a joining device shows: the commands to run on its host, and how far it has come."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from contract.environment import FACTS
from devices.models import Device, DeviceState

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class JoinStep:
    label: str
    state: str
    """done, now, next or failed, as the stage stepper knows them"""
    detail: str = ""


def commands(request: HttpRequest, token: str) -> list[dict[str, str]]:
    """Ways to join, each with a label and the command. The token is in them: show them once."""
    server = f"{request.scheme}://{request.get_host()}"
    script = f"{server}/agent/v1/join.py"
    fetch = f"import urllib.request as u; exec(u.urlopen('{script}').read())"
    with_curl = f"curl -fsS {script} | python3 - --server {server} --token {token}"
    without = f'python3 -c "{fetch}" --server {server} --token {token}'
    return [
        {"key": "curl", "label": _("With curl"), "code": with_curl},
        {"key": "no-curl", "label": _("Without curl"), "code": without},
    ]


def why_out_of_reach(request: HttpRequest) -> str:
    """A sentence when the address in the command means, on another machine, that machine itself."""
    if urlsplit(f"//{request.get_host()}").hostname not in LOOPBACK:
        return ""
    if settings.FLEETUNE_HOST in LOOPBACK:
        return _(
            "This server listens on %(host)s only, so no other machine can reach it. To let others join, start it with "
            "FLEETUNE_HOST set to its own address, and put TLS in front or, on a network you trust, set "
            "FLEETUNE_ALLOW_PLAIN_HTTP=1 (docs/settings.md)."
        ) % {"host": settings.FLEETUNE_HOST}
    return _(
        "The command would name %(host)s, which on another machine is that machine itself. Open this page at the "
        "server's own address first."
    ) % {"host": request.get_host()}


def steps(device: Device) -> list[JoinStep]:
    """Waiting → Connected → Checking → Ready, each with what is known of it."""
    connected = device.credentials.exists()
    checked = bool(device.host.environment) and device.last_seen_at is not None
    ready = checked and device.state in (DeviceState.ONLINE, DeviceState.DRAINING)
    lost = device.state == DeviceState.OFFLINE and device.last_seen_at is not None
    return [
        JoinStep(_("Waiting"), "done" if connected else "now", "" if connected else _("Run the command on the host.")),
        JoinStep(
            _("Connected"),
            "done" if checked or ready else "now" if connected else "next",
            _("Building its environment; this takes some minutes the first time.") if connected and not checked else "",
        ),
        JoinStep(_("Checked"), "done" if checked else "next", _found(device) if checked else ""),
        JoinStep(
            _("Ready"),
            "done" if ready else "failed" if lost else "next",
            _("It connected and went silent. Look at the agent's output on the host.") if lost else "",
        ),
    ]


def facts_json(device: Device) -> str:
    return json.dumps(device.host.environment, indent=2, ensure_ascii=False, sort_keys=True)


def _found(device: Device) -> str:
    facts: dict[str, Any] = device.host.environment
    named = [f"{FACTS[key]} {facts[key]}" for key in ("python", "torch") if facts.get(key)]
    return ", ".join(named)
