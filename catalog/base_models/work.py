"""Registering a model, in a child process: choose its files, copy and hash them, check every header."""

import hashlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catalog.base_models import facts, layout, weights
from catalog.base_models.layout import Layout
from catalog.imports.bundle import Bundle, Entry, open_bundle
from catalog.imports.tar import DAMAGED
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused, Reporter

SPACE_LEFT_BYTES = 256 * 2**20
LARGEST_TEXT_BYTES = 64 * 2**20
"""of a JSON file or a list of words; the largest tokenizer.json of 2026 has 33 MB"""
PIECE_BYTES = 2**20
LIBRARY_CODE = ("auto_map", "custom_pipelines", "trust_remote_code")
"""keys that tell a loader to run code that comes with the model"""


def register(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: source (as `open_bundle` takes it), parent: where models lie.

    Returns what `services.finish` stores. Raises Refused with what the user can do about it.
    """
    parent = Path(request["parent"])
    try:
        with open_bundle(request["source"]) as bundle, _unfinished(parent) as directory:
            return _register(bundle, directory, parent, reporter)
    except Unreadable as error:
        raise Refused(error.sentence, **error.params) from error


def content_hash(files: list[dict[str, Any]]) -> str:
    """The name of a model: SHA-256 over the names and hashes of its files, sorted."""
    rows = sorted([file["name"], file["sha256"]] for file in files)
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def _register(bundle: Bundle, directory: Path, parent: Path, reporter: Reporter) -> dict[str, Any]:
    found = layout.sort_out(bundle.files)
    texts = {name: _text(bundle, name, entry) for name, entry in found.kept.items() if name not in found.weights}
    config = _checked_settings(texts)[layout.CONFIG]
    index = weights.index_of(texts.get(layout.INDEX))
    names = weights.chosen(found, index)
    _refuse_without_space(parent, found.bytes)
    files = [_write(directory, name, text) for name, text in sorted(texts.items())]
    files += _copied(bundle, found, names, directory, reporter)
    tensors = weights.check(directory, names, index)
    left_out = found.left_out + [found.kept[name].name for name in found.weights if name not in names]
    answer = {
        "hash": content_hash(files),
        "files": files,
        "bytes": sum(file["bytes"] for file in files),
        "licence": facts.licence(texts.get(layout.CARD, b"").decode("utf-8", "replace")),
        "tensors": weights.summary(tensors),
        "left_out": sorted(left_out)[:200],
        **facts.of_config(config),
    }
    _keep(directory, parent / answer["hash"])
    return answer


def _text(bundle: Bundle, name: str, entry: Entry) -> bytes:
    data = bundle.read(entry, LARGEST_TEXT_BYTES)
    if name not in layout.SETTINGS and b"\0" in data:
        raise Refused(gettext_noop("'%(name)s' should be text and is not. Leave it out or save it again."), name=name)
    return data


def _checked_settings(texts: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """Every JSON file of settings, parsed. Raises Refused for one that is no JSON or asks for code to be run."""
    found = {name: weights.parsed(name, text) for name, text in texts.items() if name in layout.SETTINGS}
    for name, settings in found.items():
        for key in LIBRARY_CODE:
            if settings.get(key):
                sentence = gettext_noop(
                    "'%(name)s' asks for code of its own to be run (%(key)s). Such a model cannot be used here."
                )
                raise Refused(sentence, name=name, key=key)
    return found


def _copied(
    bundle: Bundle, found: Layout, names: list[str], directory: Path, reporter: Reporter
) -> list[dict[str, Any]]:
    """Bring the weights over, in the order in which they lie."""
    entries = sorted(((found.kept[name], name) for name in names), key=lambda pair: pair[0].position)
    total, done, files = sum(entry.bytes for entry, _name in entries) or 1, 0, []
    for entry, name in entries:
        digest, size = hashlib.sha256(), 0
        reporter.at(name)
        with open(directory / name, "wb") as target:
            for piece in _pieces(bundle, entry):
                target.write(piece)
                digest.update(piece)
                size += len(piece)
                reporter.progress((done + size) / total)
        done += size
        files.append({"name": name, "sha256": digest.hexdigest(), "bytes": size})
    return files


def _pieces(bundle: Bundle, entry: Entry) -> Iterator[bytes]:
    """What the entry holds, as many bytes as were promised. Raises Refused when it is damaged."""
    left = entry.bytes
    sentence = gettext_noop("'%(entry)s' is damaged or changed while it was read. Make the archive again.")
    try:
        with bundle.open(entry) as file:
            while piece := file.read(PIECE_BYTES):
                left -= len(piece)
                if left < 0:
                    break
                yield piece
    except (*DAMAGED, zipfile.BadZipFile) as error:
        raise Refused(sentence, entry=entry.name) from error
    if left:
        raise Refused(sentence, entry=entry.name)


def _write(directory: Path, name: str, data: bytes) -> dict[str, Any]:
    (directory / name).write_bytes(data)
    return {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _keep(directory: Path, target: Path) -> None:
    """Give the directory its name; the same content may lie there already."""
    for path in directory.iterdir():
        path.chmod(0o444)
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    if not target.is_dir():
        os.replace(directory, target)


@contextmanager
def _unfinished(parent: Path) -> Iterator[Path]:
    directory = parent / f".writing-{secrets.token_hex(8)}"
    directory.mkdir(mode=0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _refuse_without_space(parent: Path, wanted: int) -> None:
    free = shutil.disk_usage(parent).free
    if wanted + SPACE_LEFT_BYTES > free:
        sentence = gettext_noop("The model has %(wanted)s MiB and the server's disk only %(free)s MiB left. Free some.")
        raise Refused(sentence, wanted=wanted // 2**20, free=free // 2**20)
