"""What the homes of devices on this host hold: whole checkpoints, and nothing left of attempts that ended."""

import json
from collections.abc import Iterator
from pathlib import Path

from jobs import file_store
from jobs.invariants.scope import Scope, Violation
from jobs.models import Attempt

LEFTOVERS = ("*.tmp-*", "*.partial", ".trash-*")


def check(scope: Scope, home: Path) -> Iterator[Violation]:
    """I5 and I6 in the home of one device."""
    jobs = home / "jobs"
    for path in sorted(jobs.iterdir()) if jobs.is_dir() else []:
        if path.name.isdigit() and scope.job_id in (None, int(path.name)):
            yield from _checkpoints(path)
            yield from _leftovers(scope, path)


def _checkpoints(job: Path) -> Iterator[Violation]:
    for place in sorted((job / "checkpoints").glob("step-[0-9]*")):
        if ".tmp-" in place.name:
            continue
        try:
            files = json.loads((place / "manifest.json").read_text(encoding="utf-8"))["files"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield Violation("I5", "a checkpoint has no readable manifest", {"place": str(place), "error": str(error)})
            continue
        yield from _contents(place, {file["name"]: file for file in files})


def _contents(place: Path, listed: dict[str, dict]) -> Iterator[Violation]:
    there = {path.name for path in place.iterdir()} - {"manifest.json"}
    if there != listed.keys():
        rows = {"place": str(place), "differs": sorted(there ^ listed.keys())}
        yield Violation("I5", "a checkpoint's files are not those of its manifest", rows)
    for name in sorted(there & listed.keys()):
        if file_store.hash_of(place / name) != listed[name]["sha256"]:
            yield Violation("I5", "a checkpoint's file has another hash", {"place": str(place), "file": name})


def _leftovers(scope: Scope, job: Path) -> Iterator[Violation]:
    """Only once every attempt of the job has been over for a while: an open one may be writing."""
    attempts = Attempt.objects.filter(job=int(job.name))
    if attempts.filter(ended_at=None).exists() or attempts.filter(ended_at__gt=scope.settled).exists():
        return
    for pattern in LEFTOVERS:
        for path in job.rglob(pattern):
            yield Violation("I6", "an ended attempt left a temporary file", {"file": str(path)})
