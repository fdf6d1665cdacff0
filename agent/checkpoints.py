"""What checkpoints of a job lie on this device, and whether they are whole (rules R5 and R9)."""

import contextlib
import json
import logging
import os
import re
import shutil
from pathlib import Path
from typing import Any

from agent.downloads import sha256_of

MANIFEST = "manifest.json"
STEP = re.compile(r"step-(\d+)")
HALF_MADE = re.compile(r"step-\d+\.tmp-.*|\.trash-.*|.*\.partial")
log = logging.getLogger(__name__)


def valid_checkpoints(directory: Path) -> list[dict[str, Any]]:
    """Those whose files all have the size and hash of their manifest: step, manifest_sha256, bytes; newest last.

    A damaged one is set apart under `damaged-step-<n>`, so that nothing loads it.
    """
    found = []
    for path in _steps(directory):
        try:
            found.append(_described(path))
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("checkpoint %s is damaged and set apart: %s", path.name, error)
            _set_apart(path)
    return found


def remove_half_made(directory: Path) -> None:
    """Delete what a rank that is gone left of an unfinished save. Only when no process of the job lives here."""
    if directory.is_dir():
        for path in directory.iterdir():
            if HALF_MADE.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)


def manifest_files(path: Path) -> list[dict[str, Any]]:
    """Name, bytes and sha256 of each file of a checkpoint, as its manifest says."""
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    return list(manifest["files"])


def newest_step(directory: Path) -> int:
    """Step of the newest checkpoint that lies there, 0 for none."""
    steps = _steps(directory)
    return int(steps[-1].name.removeprefix("step-")) if steps else 0


def _steps(directory: Path) -> list[Path]:
    found = [path for path in directory.glob("step-*") if STEP.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def _described(path: Path) -> dict[str, Any]:
    total = 0
    for file in manifest_files(path):
        held = path / file["name"]
        if held.stat().st_size != file["bytes"]:
            raise ValueError(f"{file['name']} has {held.stat().st_size} bytes instead of {file['bytes']}")
        if sha256_of(held) != file["sha256"]:
            raise ValueError(f"{file['name']} does not have the hash of the manifest")
        total += file["bytes"]
    step = int(path.name.removeprefix("step-"))
    return {"step": step, "manifest_sha256": sha256_of(path / MANIFEST), "bytes": total}


def _set_apart(path: Path) -> None:
    with contextlib.suppress(OSError):
        target = path.with_name(f"damaged-{path.name}")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(path, target)
