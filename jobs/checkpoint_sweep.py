"""Checkpoints on the server go when nobody can need them any more, so that a long job does not fill its disk.

Files are shared by hash: two jobs that train alike hand in the same bytes. So nothing is counted; what is still named
by a checkpoint that counts, or by a job that began with it, stays.
"""

import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from jobs import file_store
from jobs.checkpoints import USABLE
from jobs.models import Checkpoint, Job

KIND = "checkpoints"
AGE_S = 300
"""A file comes before the report that names it; one that came, or was handed in once more, of late stays."""


def sweep() -> int:
    """Delete what is no longer named; bytes freed."""
    old = _old_files()
    needed = _needed() if old else set()
    freed = 0
    for path in old:
        with suppress(FileNotFoundError):  # another control was quicker
            if path.name not in needed and _is_old(path):
                size = path.stat().st_size
                path.unlink()
                freed += size
    return freed


def _old_files() -> list[Path]:
    found = []
    for path in (Path(settings.FLEETUNE_HOME) / KIND).glob("*"):
        with suppress(FileNotFoundError):
            if file_store.SHA256.fullmatch(path.name) and _is_old(path):
                found.append(path)
    return found


def _is_old(path: Path) -> bool:
    return path.stat().st_mtime < time.time() - AGE_S


def _needed() -> set[str]:
    """Hashes of all files that somebody may still ask for."""
    found: set[str] = set()
    counting = Checkpoint.objects.filter(state__in=USABLE).values_list("manifest_hash", "manifest")
    for manifest_hash, manifest in counting.iterator():
        found |= {manifest_hash, *(file["sha256"] for file in manifest["files"])}
    for files in Job.objects.exclude(began_with=[]).values_list("began_with", flat=True).iterator():
        found |= {file["sha256"] for file in files if file["kind"] == KIND}
    return found
