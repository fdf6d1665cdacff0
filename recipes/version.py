"""A dataset version on disk: immutable, named by the hash of its content.

<hash>/
    version.json       task, kind, classes, how splits were made, SHA-256 of items.jsonl
    items.jsonl        one `Item` a line, in order of split and content
    unreadable.jsonl   what could not be used, with its reason
    files/ab/ab….png   the files as they came, under names of our own: their SHA-256
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Item:
    """One file, text or row of a version, and what there is to learn from it."""

    sha256: str
    """of the file; of the canonical JSON of data and target when the content is inline"""
    bytes: int
    split: str
    name: str
    """as the user called it, for showing only"""
    file: str = ""
    """below `files/`; empty when the content is inline"""
    width: int = 0
    height: int = 0
    channels: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    """inline content: {"text"}, {"messages"} or {"values"}"""
    target: dict[str, Any] = field(default_factory=dict)
    """by task, see `recipes/targets.py`"""
    group: str = ""
    """items of one group stay in one split"""
    origin: dict[str, Any] = field(default_factory=dict)
    """of what came from the web: url, licence, fetched_at"""

    def to_json(self) -> dict[str, Any]:
        """Without what is empty, so that a new field changes no hash of versions that do not use it."""
        named = {item.name for item in fields(self) if item.default is MISSING and item.default_factory is MISSING}
        return {name: value for name, value in asdict(self).items() if name in named or value not in ("", 0, {})}


@dataclass(frozen=True)
class Stored:
    """A file that lies in a version that is being written."""

    file: str
    sha256: str
    bytes: int


class VersionWriter:
    """Writes a version under a temporary name; `finish()` gives it its hash as name. Unfinished, it is removed."""

    def __init__(self, parent: Path):
        self._parent = Path(parent)
        self._parent.mkdir(parents=True, exist_ok=True)
        self._directory = self._parent / f".writing-{os.getpid()}-{secrets.token_hex(4)}"
        (self._directory / "files").mkdir(parents=True)
        self._stored: set[str] = set()

    def __enter__(self) -> "VersionWriter":
        return self

    def __exit__(self, *_) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def store(self, data: bytes, suffix: str) -> Stored:
        """Keep `data` under its hash; the same data twice is one file."""
        digest = hashlib.sha256(data).hexdigest()
        name = f"{digest[:2]}/{digest}{suffix}"
        if name not in self._stored:
            path = self._directory / "files" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            self._stored.add(name)
        return Stored(name, digest, len(data))

    def finish(self, head: dict[str, Any], items: list[Item], unreadable: list[dict[str, Any]]) -> Path:
        """`head`: task, kind, classes and whatever describes the version."""
        ordered = sorted(items, key=lambda item: (SPLITS.index(item.split), item.sha256, item.name))
        text = _lines(item.to_json() for item in ordered)
        head = {"format": 1, **head, "items": len(items), "items_sha256": hashlib.sha256(text).hexdigest()}
        (self._directory / "items.jsonl").write_bytes(text)
        (self._directory / "unreadable.jsonl").write_bytes(_lines(unreadable))
        (self._directory / "version.json").write_bytes(_canonical(head))
        _to_disk(self._directory)
        place = self._parent / hashlib.sha256(_canonical(head)).hexdigest()
        if not place.exists():
            self._directory.rename(place)
        return place


def read_head(directory: Path) -> dict[str, Any]:
    return json.loads((Path(directory) / "version.json").read_bytes())


def read_items(directory: Path) -> Iterator[Item]:
    """The items in their stored order, without holding all of them."""
    with open(Path(directory) / "items.jsonl", encoding="utf-8") as file:
        for line in file:
            yield Item(**json.loads(line))


def file_of(directory: Path, item: Item) -> Path:
    return Path(directory) / "files" / item.file


def _lines(values) -> bytes:
    return b"".join(_canonical(value) + b"\n" for value in values)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _to_disk(directory: Path) -> None:
    """The names are on disk before the version gets its own; the bytes are checked by hash when they are read."""
    for path in (directory / "files", directory):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
