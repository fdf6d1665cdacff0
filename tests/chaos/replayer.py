"""What may be left of a checkpoint when the machine dies in the middle of a save, and whether that is ever believed.

One real save is recorded step by step, with what was synced by then. A crash state is made of any prefix of it: data
that was not synced is kept, dropped or cut at a random byte; a rename whose directory was not synced is kept or lost.

    CHAOS_STATES=10000 .venv/bin/python -m pytest tests/chaos/test_replayer.py
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from unittest import mock

from training import checkpoint_files as files
from training.checkpoint_files import Contents, Damaged


@dataclass(frozen=True)
class Moment:
    """The directory after one operation of the save."""

    what: str
    tree: dict[str, bytes]
    """every file by its path"""
    synced: dict[str, int]
    """file or directory → how many bytes, or entries, of it were synced last"""


@dataclass
class Recorder:
    """Notes a moment after each operation that `training.checkpoint_files` makes in `place`."""

    place: Path
    moments: list[Moment] = field(default_factory=list)
    synced: dict[str, int] = field(default_factory=dict)

    def note(self, what: str) -> None:
        found = {
            str(path.relative_to(self.place)): path.read_bytes() for path in self.place.rglob("*") if path.is_file()
        }
        self.moments.append(Moment(what, found, dict(self.synced)))

    def fsync(self, handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        name = str(path.relative_to(self.place))
        self.note(f"before fsync {name}")
        self.synced[name] = len(list(path.iterdir())) if path.is_dir() else path.stat().st_size
        self.note(f"fsync {name}")

    @contextmanager
    def listening(self) -> Iterator[None]:
        rename = Path.rename

        def renamed(path: Path, target: Path) -> Path:
            done = rename(path, target)
            old, new = str(path.relative_to(self.place)), str(Path(target).relative_to(self.place))
            self.synced |= {new + name[len(old) :]: size for name, size in self.synced.items() if name.startswith(old)}
            self.synced.pop(".", None)  # the new entry is not on the disk yet
            self.note(f"rename {old} {new}")
            return done

        with mock.patch("os.fsync", self.fsync), mock.patch.object(Path, "rename", renamed):
            yield


def record(place: Path, step: int, contents: Contents) -> list[Moment]:
    """The moments of one save beside what lies in `place` already, which counts as synced."""
    recorder = Recorder(place)
    recorder.synced = {
        str(path.relative_to(place)): path.stat().st_size if path.is_file() else len(list(path.iterdir()))
        for path in (place, *place.rglob("*"))
    }
    recorder.note("before")
    with recorder.listening():
        files.write(place, step, 2, contents, {"job": 3, "world_size": 1})
    recorder.note("after")
    return recorder.moments


def crash(moment: Moment, goal: Path, random: Random) -> None:
    """Write into `goal` what the disk may hold when the machine dies at this moment."""
    shutil.rmtree(goal, ignore_errors=True)
    lost = "." not in moment.synced and random.random() < 0.5
    for name, data in moment.tree.items():
        left = _left_of(data, moment.synced.get(name, 0), random)
        if left is None:
            continue
        folder, _slash, rest = name.partition("/")
        if lost and folder.startswith("step-8"):
            folder = "step-8.tmp-2"
        path = goal / folder / rest if rest else goal / folder
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(left)


def newest_whole(place: Path) -> int:
    """The step that a rank would go on from, 0 for none: the loader itself decides."""
    for step in reversed(files.steps(place)):
        try:
            files.read(place / f"step-{step}")
            return step
        except Damaged:
            continue
    return 0


def _left_of(data: bytes, synced: int, random: Random) -> bytes | None:
    """Of a file of which so many bytes were synced; None when not even its name is left."""
    if synced >= len(data):
        return data
    what = random.choice(("kept", "dropped", "cut", "zeros"))
    if what == "dropped" and not synced:
        return None
    end = random.randrange(synced, len(data))
    return {"kept": data, "dropped": data[:synced], "cut": data[:end], "zeros": data[:end].ljust(len(data), b"\0")}[
        what
    ]
