"""A file of 32 MiB that is given up when the disk is full, so that spool and exit report can still be written."""

import contextlib
import os
from pathlib import Path

RESERVE_BYTES = 32 * 1024 * 1024
NAME = "reserve"


def keep_reserve(home: Path) -> None:
    """Make the reserve when there is ample room for it."""
    path = home / NAME
    if path.exists() or _free(home) < 4 * RESERVE_BYTES:
        return
    with contextlib.suppress(OSError), open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)


def give_up_reserve_when_full(home: Path) -> None:
    """Called a few times a second while a rank runs."""
    if _free(home) < RESERVE_BYTES // 8:
        (home / NAME).unlink(missing_ok=True)


def _free(home: Path) -> int:
    space = os.statvfs(home)
    return space.f_bavail * space.f_frsize
