"""A checkpoint on disk: safetensors and JSON, and a manifest that is written last (rule R9). Nothing is pickled."""

import hashlib
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from contract.faults import fault

FORMAT = 1
MANIFEST = "manifest.json"
STEP = re.compile(r"step-(\d+)")
LEFTOVER = re.compile(r"step-\d+\.tmp-.*|\.trash-.*")
OS_ERROR = re.compile(r"\(os error (\d+)\)")
_CHUNK_BYTES = 1 << 20


class Damaged(ValueError):
    """The files are not what the manifest says."""


@dataclass(frozen=True)
class Contents:
    """Files by name: `.safetensors` hold tensors (on the CPU), `.json` anything that JSON can say."""

    tensors: dict[str, dict[str, torch.Tensor]]
    documents: dict[str, Any]

    def finite(self) -> bool:
        """Whether no floating-point value is NaN or infinite."""
        return all(
            bool(torch.isfinite(tensor).all())
            for tensors in self.tensors.values()
            for tensor in tensors.values()
            if tensor.is_floating_point()
        )

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for tensors in self.tensors.values() for tensor in tensors.values())


def write(parent: Path, step: int, fence: int, contents: Contents, head: dict[str, Any]) -> dict[str, Any]:
    """Make `parent/step-<step>` appear whole or not at all; its manifest. `contents` must be finite."""
    place = parent / f"step-{step}"
    temporary = parent / f"step-{step}.tmp-{fence}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        fault("ckpt.write")
        entries = [_write_file(temporary / name, contents) for name in sorted(contents.tensors | contents.documents)]
        fault("ckpt.manifest")
        manifest = _manifest(step, entries, head)
        _write_bytes(temporary / MANIFEST, _canonical(manifest))
        _sync(temporary)
        fault("ckpt.rename")
        if place.exists():  # of an earlier attempt that went further than the one we go on from
            _discard(place)
        temporary.rename(place)
        _sync(parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return manifest


def verify(place: Path) -> dict[str, Any]:
    """The manifest, after every file was read and compared. Raises Damaged."""
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        if manifest["hash"] != _hash_of_manifest(manifest) or place.name != f"step-{manifest['step']}":
            raise Damaged(f"the manifest of {place.name} was changed")
        for entry in manifest["files"]:
            if _entry(place / entry["name"]) != entry:
                raise Damaged(f"{entry['name']} of {place.name} is not what the manifest says")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise error if isinstance(error, Damaged) else Damaged(f"{place.name} cannot be read: {error}") from error
    return manifest


def read(place: Path) -> Contents:
    """Verify and load. Raises Damaged."""
    names = [entry["name"] for entry in verify(place)["files"]]
    tensors = {name: load_file(place / name) for name in names if name.endswith(".safetensors")}
    documents = {name: json.loads((place / name).read_bytes()) for name in names if name.endswith(".json")}
    return Contents(tensors, documents)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def steps(parent: Path) -> list[int]:
    """Steps of the checkpoints that lie there, whole or not, in rising order."""
    found = [STEP.fullmatch(path.name) for path in parent.iterdir()] if parent.is_dir() else []
    return sorted(int(match.group(1)) for match in found if match)


def set_apart(parent: Path, step: int) -> None:
    """Nothing will load this one again; it stays for whoever wants to know why."""
    target = parent / f"damaged-step-{step}"
    shutil.rmtree(target, ignore_errors=True)
    (parent / f"step-{step}").rename(target)


def prune(parent: Path, keep: int) -> None:
    """Delete all but the newest `keep`."""
    for step in steps(parent)[:-keep]:
        _discard(parent / f"step-{step}")


def clean(parent: Path, beyond: int) -> None:
    """Delete what unfinished saves left, and checkpoints past step `beyond`: this attempt goes another way."""
    for step in steps(parent):
        if step > beyond:
            _discard(parent / f"step-{step}")
    for path in parent.iterdir() if parent.is_dir() else []:
        if LEFTOVER.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _discard(place: Path) -> None:
    trash = place.with_name(f".trash-{place.name}-{os.getpid()}")
    place.rename(trash)
    shutil.rmtree(trash, ignore_errors=True)


def _write_file(path: Path, contents: Contents) -> dict[str, Any]:
    if path.name in contents.tensors:
        _save_tensors(contents.tensors[path.name], path)
        _sync(path)
    else:
        _write_bytes(path, _canonical(contents.documents[path.name]))
    return _entry(path)


def _save_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """safetensors tells a full disk in a sentence of its own; here it is the OSError that it is."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        number = OS_ERROR.search(str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), path.name) from error


def _write_bytes(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    fault("ckpt.fsync")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entry(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": file_hash(path)}


def _manifest(step: int, entries: list[dict[str, Any]], head: dict[str, Any]) -> dict[str, Any]:
    versions = {"torch": torch.__version__, "python": ".".join(map(str, sys.version_info[:3]))}
    body = {"format": FORMAT, "step": step, "finite": True, "versions": versions, "files": entries, **head}
    return {**body, "hash": _hash_of_manifest(body)}


def _hash_of_manifest(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical({k: v for k, v in manifest.items() if k != "hash"})).hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"
