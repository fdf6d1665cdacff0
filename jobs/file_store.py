"""Files that devices hand in, each under its SHA-256: artifacts for the user, checkpoints that must outlive their host.

Uploads are resumable: bytes gather in `incoming/<attempt>-<hash>` until the file is whole, verified and renamed.
"""

import errno
import hashlib
import os
import re
from pathlib import Path

from django.conf import settings

SHA256 = re.compile(r"[0-9a-f]{64}")
KINDS = ("artifacts", "checkpoints")


class WrongOffset(Exception):
    """The sender goes on from another place than the stored bytes end; `offset` is where they do."""

    def __init__(self, offset: int):
        self.offset = offset
        super().__init__(f"{offset} bytes are stored")


class WrongHash(Exception):
    """The file is whole and not what its name says; it was thrown away."""


class NoSpace(Exception):
    """The server's disk is full."""


def path_of(kind: str, sha256: str) -> Path:
    """Where a whole file lies. Raises ValueError for a name that is no hash."""
    if kind not in KINDS or not SHA256.fullmatch(sha256):
        raise ValueError(f"{kind}/{sha256} names no stored file")
    return Path(settings.FLEETUNE_HOME) / kind / sha256


def has(kind: str, sha256: str) -> bool:
    """Whether the whole file is stored; whatever lies under a hash was verified before it got that name."""
    return path_of(kind, sha256).is_file()


def stored_bytes(kind: str, sha256: str, attempt_id: int) -> int | None:
    """How much of a file is stored, or None when nothing is."""
    for path in (path_of(kind, sha256), _incoming(kind, sha256, attempt_id)):
        if path.is_file():
            return path.stat().st_size
    return None


def append(kind: str, sha256: str, attempt_id: int, offset: int, total: int, body: bytes) -> bool:
    """Add bytes from `offset` on; True once the file of `total` bytes is whole and verified.

    Raises WrongOffset, WrongHash or NoSpace.
    """
    whole, incoming = path_of(kind, sha256), _incoming(kind, sha256, attempt_id)
    if whole.is_file():
        whole.touch()  # it is named anew: `checkpoint_sweep` goes by the time of the last hand-in
        return True
    incoming.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    there = incoming.stat().st_size if incoming.is_file() else 0
    if offset != there or there + len(body) > total:
        raise WrongOffset(there)
    _write(incoming, body)
    if there + len(body) < total:
        return False
    return _finish(incoming, whole, sha256)


def forget_incoming(attempt_id: int) -> None:
    """Drop what an ended attempt left half sent."""
    for kind in KINDS:
        for path in (Path(settings.FLEETUNE_HOME) / kind / "incoming").glob(f"{attempt_id}-*"):
            path.unlink(missing_ok=True)


def hash_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _incoming(kind: str, sha256: str, attempt_id: int) -> Path:
    return path_of(kind, sha256).parent / "incoming" / f"{attempt_id}-{sha256}"


def _write(incoming: Path, body: bytes) -> None:
    try:
        with open(incoming, "ab") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace from error
        raise


def _finish(incoming: Path, whole: Path, sha256: str) -> bool:
    if hash_of(incoming) != sha256:
        incoming.unlink()
        raise WrongHash
    os.replace(incoming, whole)
    directory = os.open(whole.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return True
