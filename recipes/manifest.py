"""The manifest of prepared data and its hash: standard library only, so that a supervisor can check a download.

The hash of prepared data is the SHA-256 of its manifest in canonical JSON without `hash`. The manifest names every
file with its own SHA-256, so equal hashes mean equal data, byte for byte.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

FORMAT = 1
NAME = "manifest.json"
_CHUNK_BYTES = 1 << 20


class Damaged(ValueError):
    """Files of prepared data are not what their manifest says."""


def content_hash(manifest: dict[str, Any]) -> str:
    """The hash that identifies prepared data with this manifest."""
    body = {key: value for key, value in manifest.items() if key != "hash"}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write(directory: Path, manifest: dict[str, Any]) -> None:
    """Write `manifest` so that equal manifests are equal files."""
    text = json.dumps(manifest, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1)
    (directory / NAME).write_text(text + "\n", encoding="utf-8")


def read(directory: Path) -> dict[str, Any]:
    """The manifest in `directory`. Raises Damaged when there is none that this version can read."""
    try:
        manifest = json.loads((Path(directory) / NAME).read_text(encoding="utf-8"))
        known = manifest["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"no readable manifest in {directory}: {error}") from error
    if not known:
        raise Damaged(f"format {manifest['format']} of prepared data is not known here")
    return manifest


def verify(directory: Path) -> str:
    """Read every file again and return the content hash. Raises Damaged naming the first file that differs."""
    manifest = read(directory)
    for entry in manifest["files"]:
        path = Path(directory) / entry["name"]
        if not path.is_file():
            raise Damaged(f"{entry['name']} is missing")
        if path.stat().st_size != entry["bytes"] or file_hash(path) != entry["sha256"]:
            raise Damaged(f"{entry['name']} is not what the manifest says")
    found = content_hash(manifest)
    if manifest.get("hash") != found:
        raise Damaged(f"the manifest names {manifest.get('hash')} and hashes to {found}")
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
