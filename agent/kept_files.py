"""Models and checkpoints that a device keeps for later: none for ever, and what was used longest ago goes first.

What an assignment or a run that has not ended here names never goes, nor a checkpoint of a job that ended on this
device less than a day ago. The newest checkpoint of a job lies on the server too, from where it is fetched again.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.conclude import is_settled, settled_at
from agent.data_cache import limit_bytes
from agent.device_home import DeviceHome
from agent.leftovers import KEEP_S
from contract.agent_calls import Assignment
from contract.run_dir import RunDir, read_json

MODELS, CHECKPOINTS, DAYS = "FLEETUNE_MODELS_BYTES", "FLEETUNE_CHECKPOINTS_BYTES", "FLEETUNE_KEEP_DAYS"
MODELS_BYTES, CHECKPOINTS_BYTES, KEEP_DAYS = 32 * 2**30, 64 * 2**30, 14
DAY_S = 24 * 3600.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    path: Path
    bytes: int
    used_at: float


def sweep_kept(home: DeviceHome, assigned: Iterable[Assignment], now: float | None = None) -> list[Path]:
    """Delete what is too old or too much; the directories that went."""
    now = time.time() if now is None else now
    models = [_kept(path) for path in home.model_dir("").glob("[!.]*") if path.is_dir()]
    named = _models_in_use(home, assigned)
    gone = _too_much([item for item in models if item.path.name not in named], models, MODELS, MODELS_BYTES, now)
    checkpoints, over = [], []
    for job in sorted(home.path.glob("jobs/*")):
        if (job / "checkpoints").is_dir():
            ended_at = _ended_at(job)
            item = _kept(job / "checkpoints", ended_at)
            checkpoints.append(item)
            if ended_at is not None and now - ended_at > KEEP_S:
                over.append(item)
    gone += _too_much(over, checkpoints, CHECKPOINTS, CHECKPOINTS_BYTES, now)
    return gone


def _too_much(may_go: list[Kept], all_of_them: list[Kept], setting: str, default: int, now: float) -> list[Path]:
    """Of those that may go the ones that were used longest ago, until none is too old and the rest fits its limit."""
    excess = sum(item.bytes for item in all_of_them) - limit_bytes(setting, default)
    oldest = now - DAY_S * limit_bytes(DAYS, KEEP_DAYS)
    gone = []
    for item in sorted(may_go, key=lambda item: (item.used_at, item.path.name)):
        if item.used_at < oldest or excess > 0:
            shutil.rmtree(item.path, ignore_errors=True)
            log.info("%s (%s bytes) went: %s", item.path, item.bytes, "too old" if item.used_at < oldest else setting)
            excess -= item.bytes
            gone.append(item.path)
    return gone


def _ended_at(job: Path) -> float | None:
    """When the last run of a job ended on this device; None while one has not."""
    runs = [RunDir(path) for path in job.glob("attempts/*")]
    ends = [settled_at(run) for run in runs]
    if any(end is None for end in ends):
        return None
    return max([(job / "checkpoints").stat().st_mtime, *(end for end in ends if end is not None)])


def _models_in_use(home: DeviceHome, assigned: Iterable[Assignment]) -> set[str]:
    hashes = {assignment.model.get("hash", "") for assignment in assigned}
    for run in home.run_dirs():
        if not is_settled(run):
            with suppress(ValueError):
                hashes.add((read_json(run.assignment) or {}).get("model", {}).get("hash", ""))
    return hashes


def _kept(path: Path, used_at: float | None = None) -> Kept:
    size = 0
    for file in path.rglob("*"):
        with suppress(OSError):  # being fetched or pruned at this moment
            facts = file.lstat()
            size += facts.st_size if file.is_file() and not file.is_symlink() and facts.st_nlink == 1 else 0
    return Kept(path, size, os.stat(path).st_mtime if used_at is None else used_at)
