"""Prepared data that this device keeps for the next job: up to a limit, and what was used longest ago goes first.

What a job needs never goes, whatever the limit. A file that is linked with the server's own takes no space here.
"""

import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.conclude import is_settled
from agent.device_home import Device, DeviceHome
from contract.agent_calls import Assignment
from contract.run_dir import read_json

LIMIT = "FLEETUNE_CACHE_BYTES"
DEFAULT_BYTES = 64 * 2**30
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """One prepared data: whole, or begun and not finished."""

    path: Path
    content_hash: str
    bytes: int
    """that deleting it would free"""
    used_at: float


def limit_bytes(name: str = LIMIT, default: int = DEFAULT_BYTES) -> int:
    """How much may be kept, by the setting `name`; the default when that is no whole number."""
    setting = os.environ.get(name, "")
    if setting and not setting.isdecimal():
        log.error("%s is '%s', not a whole number: %s is the limit", name, setting, default)
    return int(setting) if setting.isdecimal() else default


def mark_used(directory: Path) -> None:
    """A job uses this data now."""
    with suppress(OSError):  # a directory that just went is fetched again
        os.utime(directory)


def kept(home: DeviceHome) -> list[Kept]:
    """All of it, the one used longest ago first."""
    found = [_kept(path) for path in home.data_dir("").glob("[!.]*") if path.is_dir()]
    return sorted(found, key=lambda item: (item.used_at, item.content_hash))


def needed(home: DeviceHome, assigned: Iterable[Assignment]) -> set[str]:
    """Hashes that an assignment, or a run that has not ended here, names."""
    hashes = {data.get("hash", "") for assignment in assigned for data in (assignment.data, *assignment.more_data)}
    for run in home.run_dirs():
        if not is_settled(run):
            hashes |= _assigned_hashes(run.assignment)
    return hashes


def room(home: DeviceHome) -> int:
    """Bytes that may still come before something has to go; below 0 when it is too much already."""
    return limit_bytes() - sum(item.bytes for item in kept(home))


def is_here(home: DeviceHome, data: dict[str, Any]) -> bool:
    return home.data_dir(os.path.basename(data["hash"])).is_dir()


def coming_bytes(device: Device, data: dict[str, Any]) -> int:
    """What has to come for this data; nothing on the server's own host, where files are linked."""
    return 0 if device.server_home else sum(entry["bytes"] for entry in data["manifest"]["files"])


def make_room(home: DeviceHome, device: Device, assigned: list[Assignment]) -> list[str]:
    """Delete what was used longest ago, until the rest and what the assignments bring fit the limit; the hashes."""
    keep, gone = needed(home, assigned), []
    named = [data for item in assigned for data in (item.data, *item.more_data) if data]
    missing = [data for data in named if not is_here(home, data)]
    excess = sum(coming_bytes(device, data) for data in missing) - room(home)
    for item in kept(home):
        if excess > 0 and item.content_hash not in keep and item.bytes:
            _delete(item.path)
            log.info("prepared data %s (%s bytes) went: the cache is full", item.content_hash[:12], item.bytes)
            excess -= item.bytes
            gone.append(item.content_hash)
    return gone


def _kept(path: Path) -> Kept:
    size = 0
    for file in path.rglob("*"):
        with suppress(OSError):  # being fetched or deleted at this moment
            facts = file.lstat()
            size += facts.st_size if file.is_file() and not file.is_symlink() and facts.st_nlink == 1 else 0
    return Kept(path, path.name.partition(".")[0], size, path.stat().st_mtime)


def _assigned_hashes(path: Path) -> set[str]:
    try:
        assigned = read_json(path) or {}
    except ValueError:
        return set()
    return {data.get("hash", "") for data in (assigned.get("data", {}), *assigned.get("more_data", []))}


def _delete(directory: Path) -> None:
    """Out of sight first: a heartbeat never names half a directory."""
    gone = directory.with_name(f".gone-{directory.name}")
    with suppress(OSError):
        os.replace(directory, gone)
    shutil.rmtree(gone, ignore_errors=True)
