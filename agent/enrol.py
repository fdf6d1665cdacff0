"""`python -m agent join`: offers this host's devices to a server and keeps what it answers, one directory each."""

import os
import socket
import sys
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import Any

from agent.device_home import Device, DeviceHome
from agent.environment import cpu_model, memory_bytes, nvidia_devices, probe
from agent.server import NoAnswer, Refused, Server
from contract.agent_calls import Enrolled, EnrolRequest
from contract.timing import OFFLINE_S

CPU_DEVICES = 2
"""Shares of the CPU when nobody says otherwise."""


def join(options) -> int:
    """Enrol this host; the exit code. `options`: server, token, home, name, cpu_devices, fabric_address, …"""
    home = options.home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    joined = homes_of_devices(home)
    if not options.token:
        return (
            _goes_on(joined) if joined else _fail(_("Name the join token with --token: this host has not joined yet."))
        )
    name = options.name or socket.gethostname()
    offers = offered_devices(options.cpu_devices)
    print(_("%(host)s offers: %(devices)s") % {"host": name, "devices": _listed(offers)}, flush=True)
    server = Server(options.server, None, OFFLINE_S + 20, options.tls_fingerprint)
    request = EnrolRequest(options.token, name, probe(home), offers)
    try:
        answer = Enrolled.from_json(server.post("/agent/v1/enrol", request))
    except NoAnswer as silence:
        return _fail(_("The server cannot be reached: %(why)s. Check its address and that it runs.") % {"why": silence})
    except Refused as refusal:
        if joined and refusal.status in (409, 410):
            return _goes_on(joined)
        return _fail(_("The server refused: %(why)s") % {"why": refusal.detail})
    for device, offer in zip(answer.devices, offers, strict=True):
        _keep(home, options, answer.host, device, offer)
    return 0


def homes_of_devices(home: Path) -> list[DeviceHome]:
    """The devices that joined before, in the order of their names."""
    return [DeviceHome(path.parent) for path in sorted(home.glob("*/agent.json"))]


def offered_devices(cpu_devices: int = 0) -> list[dict[str, Any]]:
    """Each GPU; on a host without one, shares of the CPU with an equal number of cores each."""
    gpus, _driver = nvidia_devices()
    if gpus:
        return [
            {"kind": "cuda", "index": index, "label": gpu["name"], "memory_bytes": gpu["memory_bytes"], "cores": []}
            for index, gpu in enumerate(gpus)
        ]
    cores = sorted(os.sched_getaffinity(0))
    count = cpu_devices or min(CPU_DEVICES, len(cores))
    return [
        {
            "kind": "cpu",
            "index": index,
            "label": cpu_model(),
            "memory_bytes": memory_bytes() // count,
            "cores": share,
        }
        for index, share in enumerate(divided(cores, count))
    ]


def divided(cores: list[int], count: int) -> list[list[int]]:
    """`count` shares of cores, as equal as can be; with more shares than cores some share a core."""
    if count > len(cores):
        return [[cores[index % len(cores)]] for index in range(count)]
    size, rest = divmod(len(cores), count)
    shares, start = [], 0
    for index in range(count):
        end = start + size + (index < rest)
        shares.append(cores[start:end])
        start = end
    return shares


def _keep(home: Path, options, host: str, answer: dict[str, Any], offer: dict[str, Any]) -> None:
    device = Device(
        server=options.server.rstrip("/"),
        id=answer["id"],
        slug=answer["slug"],
        queue=answer["queue"],
        broker_url=answer["broker_url"],
        key_prefix=answer["key_prefix"],
        kind=offer["kind"],
        index=offer["index"],
        cores=offer["cores"],
        host=host,
        fabric_address=options.fabric_address,
        server_home=_server_home(options.server),
        tls_fingerprint=options.tls_fingerprint,
    )
    directory = DeviceHome(home / device.slug)
    directory.save(device, answer["credential"])
    sentence = _("%(device)s joined (cores %(cores)s). It lives in %(home)s")
    if device.kind == "cuda":
        sentence = _("%(device)s joined (GPU %(index)s). It lives in %(home)s")
    cores = ", ".join(map(str, device.cores))
    words = {"device": device.slug, "cores": cores, "index": device.index, "home": directory.path}
    print(sentence % words, flush=True)


def _server_home(address: str) -> str:
    """The server's own directory, when this is its machine and it says so: files are then linked, not copied."""
    home = os.environ.get("FLEETUNE_HOME", "")
    local = any(name in address for name in ("//127.0.0.1", "//localhost", "//[::1]"))
    return home if home and (local or Path(home, "fleetune.sqlite3").exists()) else ""


def _goes_on(joined: list[DeviceHome]) -> int:
    names = ", ".join(home.device().slug for home in joined)
    print(_("This host has joined before as %(devices)s and goes on as that.") % {"devices": names}, flush=True)
    return 0


def _listed(offers: list[dict[str, Any]]) -> str:
    texts = []
    for offer in offers:
        count = len(offer["cores"])
        cores = ngettext("%(count)s core", "%(count)s cores", count) % {"count": count}
        texts.append(f"{offer['label']} ({cores})" if offer["kind"] == "cpu" else offer["label"])
    return "; ".join(texts)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1
