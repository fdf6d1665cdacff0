"""What a user handed in, whatever it is packed in: files with names, read one by one.

Each kind of bundle checks all its names and sizes when it is opened, and raises Refused for the whole of it.
"""

import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol

from contract.problems import gettext_noop
from recipes.images import MAX_BYTES, Unreadable
from recipes.sandbox.inside import Refused

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
COMPRESSED_STARTS = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ"}
CLOSED_STARTS = {"7-Zip": b"7z\xbc\xaf", "RAR": b"Rar!", "Zstandard": b"\x28\xb5\x2f\xfd"}
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError, EOFError, OSError, ValueError)
"""what readers of archives raise for bytes that have changed"""
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".hdf5", ".keras")
"""names of files that run code when their own readers open them"""
PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
NESTED = (*ZIP_STARTS, *COMPRESSED_STARTS.values(), *CLOSED_STARTS.values())
RUNS_CODE = gettext_noop("This file can run code when opened. Save the data as CSV, JSON lines or Parquet.")


@dataclass(frozen=True)
class Entry:
    """A file of a bundle. `parts` of its name are for sorting and showing only."""

    parts: tuple[str, ...]
    bytes: int
    handle: Any = None
    """how its bundle finds it again"""
    position: int = 0
    """where it lies: reading in this order is fastest"""

    @property
    def name(self) -> str:
        return "/".join(self.parts)


class Bundle(Protocol):
    files: list[Entry]
    folders: list[tuple[str, ...]]
    unpacked_bytes: int

    def read(self, entry: Entry, limit: int = MAX_BYTES) -> bytes:
        """What the entry holds. Raises Unreadable when it is damaged or larger than `limit`, Refused for an attack."""

    def open(self, entry: Entry) -> BinaryIO:
        """The entry, however large, for reading in pieces. Raises as `read` does."""

    def __enter__(self) -> "Bundle": ...
    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class SingleFile:
    """One file that is no archive."""

    def __init__(self, path: Path, name: str):
        self._path = path
        size = path.stat().st_size
        if not size:
            raise Refused(gettext_noop("The file is empty."))
        self.files = [Entry((name,), size)]
        self.folders: list[tuple[str, ...]] = []
        self.unpacked_bytes = size

    def __enter__(self) -> "SingleFile":
        return self

    def __exit__(self, *_) -> None:
        pass

    def read(self, entry: Entry, limit: int = MAX_BYTES) -> bytes:
        refuse_larger(entry.bytes, limit)
        return self._path.read_bytes()

    def open(self, _entry: Entry) -> BinaryIO:
        """As `Bundle.open`."""
        return open(self._path, "rb")


def open_bundle(source: dict[str, Any]) -> Bundle:
    """source: {"path", "name"} of an uploaded file, or {"root", "directory"} on this server. Told apart by content."""
    from catalog.imports.archive import Archive
    from catalog.imports.directory import Directory
    from catalog.imports.tar import Tar, is_tar

    if "directory" in source:
        return Directory(Path(source["root"]), source["directory"])
    path = Path(source["path"])
    start = _start(path)
    if start.startswith(ZIP_STARTS):
        return Archive(path)
    for kind, mark in CLOSED_STARTS.items():
        if start.startswith(mark):
            raise Refused(gettext_noop("%(kind)s archives are not read here. Make a zip or a tar."), kind=kind)
    if is_tar(path):
        return Tar(path)
    if start.startswith(tuple(COMPRESSED_STARTS.values())):
        sentence = gettext_noop("The file is compressed and holds no tar. Unpack it, or make a zip or a tar of it.")
        raise Refused(sentence)
    return SingleFile(path, source["name"])


def can_run_code(name: str, start: bytes) -> bool:
    """Whether a file is a pickle, or of a kind that may hold one: by its first bytes, or by its name."""
    return start.startswith(PICKLE_STARTS) or name.casefold().endswith(PICKLES)


def refuse_code(source: dict[str, Any]) -> None:
    """`source` as `open_bundle` takes it: whatever door it came by, nobody opens such a file."""
    if "path" in source and can_run_code(source["name"], _start(Path(source["path"]))):
        raise Refused(RUNS_CODE)


def refuse_larger(size: int, limit: int) -> None:
    if size > limit:
        raise Unreadable(gettext_noop("The file is larger than %(limit)s MiB."), limit=limit // 2**20)


def refuse_nested(data: bytes, entry: Entry) -> None:
    if data.startswith(NESTED) or data[257:262] == b"ustar":
        sentence = gettext_noop("'%(entry)s' is an archive inside the archive. Unpack it and pack the folders.")
        raise Refused(sentence, entry=entry.name)


def _start(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(8)
