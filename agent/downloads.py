"""Fetches content-addressed files from the server: ranged, resumed, verified; linked when they lie on this host."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.server import NoAnswer, Server
from contract.faults import fault
from contract.run_dir import write_json

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class WantedFile:
    name: str
    sha256: str
    bytes: int

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "WantedFile":
        """Raises ValueError when the name would lead out of its directory."""
        wanted = cls(str(body["name"]), str(body["sha256"]), int(body["bytes"]))
        path = Path(wanted.name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"{wanted.name!r} is no name of a file to fetch")
        return wanted


class Spoilt(Exception):
    """The file that came is not the one that was promised."""


def fetch_directory(
    server: Server,
    route: str,
    entries: list[dict[str, Any]],
    target: Path,
    *,
    manifest: dict[str, Any] | None = None,
    on_this_host: Path | None = None,
    on_bytes: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Make `target` hold all files of `entries` (name, sha256, bytes) and, written last, `manifest`; answers `target`.

    `route` is the server's path that ends with a file's hash, `on_this_host` a directory that may hold the same files.
    What was fetched before an interruption stays in `<target>.partial`. Raises NoAnswer, Refused, Spoilt, OSError.
    """
    files = [WantedFile.from_json(entry) for entry in entries]
    total, done = sum(file.bytes for file in files), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.with_name(f".{target.name}.lock")):
        if target.is_dir():
            return target
        partial = target.with_name(f"{target.name}.partial")
        partial.mkdir(exist_ok=True)
        for file in files:
            (partial / file.name).parent.mkdir(parents=True, exist_ok=True)
            local = on_this_host / file.name if on_this_host else None
            fetch_file(server, f"{route}/{file.sha256}", file, partial / file.name, local)
            done += file.bytes
            on_bytes(done, total)
        if manifest is not None:
            write_json(partial / "manifest.json", manifest)
        fault("download.rename")
        os.replace(partial, target)
    return target


def fetch_file(server: Server, path: str, wanted: WantedFile, target: Path, on_this_host: Path | None = None) -> None:
    """Make `target` the file that `wanted` describes; nothing is done when it is there and whole."""
    if target.exists() and target.stat().st_size == wanted.bytes and sha256_of(target) == wanted.sha256:
        return
    target.unlink(missing_ok=True)
    if on_this_host and _link(on_this_host, wanted, target):
        return
    partial = target.with_name(f"{target.name}.partial")
    held = partial.stat().st_size if partial.exists() else 0
    if held > wanted.bytes:
        partial.unlink()
        held = 0
    if held < wanted.bytes or wanted.bytes == 0:
        _receive(server, path, partial, held, wanted.bytes)
    if sha256_of(partial) != wanted.sha256:
        partial.unlink()
        raise Spoilt(f"{wanted.name}: what the server sent does not have the hash {wanted.sha256[:12]}…")
    os.replace(partial, target)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _receive(server: Server, path: str, partial: Path, held: int, total: int) -> None:
    with server.stream(path, held) as (first, chunks), open(partial, "r+b" if first else "wb") as file:
        file.seek(first)
        for chunk in chunks:
            file.write(chunk)
            if file.tell() > total:
                raise Spoilt(f"{path}: the server sent more than the {total} bytes it promised")
        if file.tell() < total:
            raise NoAnswer(f"{path}: {file.tell()} of {total} bytes came")
        file.flush()
        os.fsync(file.fileno())


def _link(source: Path, wanted: WantedFile, target: Path) -> bool:
    """Use the server's own file when it can be read here and is the right one."""
    try:
        if source.stat().st_size != wanted.bytes or sha256_of(source) != wanted.sha256:
            return False
        try:
            os.link(source, target)
        except OSError:
            os.symlink(source.resolve(), target)
    except OSError:
        return False
    return True


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process fetches a directory; another that wants it waits for that one."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(handle)
