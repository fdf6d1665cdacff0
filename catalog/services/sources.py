"""Where data comes from: a file in the request, a finished upload, a directory of this server, a set that ships."""

import posixpath
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from catalog import places
from catalog.imports.bundle import CLOSED_STARTS, RUNS_CODE, ZIP_STARTS, can_run_code
from catalog.imports.cleaning import WITHOUT
from catalog.models import Dataset, DatasetVersion, Upload
from catalog.uploaded import forget, keep
from catalog.web.bucket_copy import FILES
from catalog.web.one_file import BODY
from contract.problems import Invalid, Problem, gettext_noop, unknown

BUILTINS = {
    "mnist-5k": gettext_noop("MNIST, 5,000 handwritten digits (28 × 28)"),
    "digits-8x8": gettext_noop("Handwritten digits (8 × 8)"),
    "digits-canvas": gettext_noop("Digits to be found on canvases (64 × 64), with boxes"),
    "django-languages": gettext_noop("Sentences in ten languages"),
    "breast-cancer": gettext_noop("Breast cancer, a table: malignant or benign"),
    "diabetes": gettext_noop("Diabetes, a table: how far it goes in a year"),
}
"""name → what the page calls it"""
BUILTIN_TASKS = {
    "mnist-5k": "image-classification",
    "digits-8x8": "image-classification",
    "digits-canvas": "object-detection",
    "django-languages": "text-classification",
    "breast-cancer": "tabular-classification",
    "diabetes": "tabular-regression",
}
OF_CLEANED = ("cleaned", "hash", "without")
OF_REQUESTS, OF_THE_WEB, OF_ADDRESSES, OF_BUCKETS = "file-", "web-", "url-", "s3-"
"""how the names of kept files begin that came within a request"""
Source = dict[str, Any]


def builtin(name: Any) -> Source:
    if not isinstance(name, str) or name not in BUILTINS:
        raise Invalid([unknown("builtin", str(name), BUILTINS)])
    return {"builtin": name}


def file(uploaded_file: UploadedFile) -> Source:
    """Keep the file. Raises Invalid at once when it is of no use whatever is in it."""
    name = Path(uploaded_file.name or "").name[:240]
    start = uploaded_file.read(8)
    uploaded_file.seek(0)
    _refuse_useless(name, start, "file")
    stored = f"{OF_REQUESTS}{secrets.token_hex(16)}"
    keep(uploaded_file, places.upload(stored))
    return {"file": name, "bytes": uploaded_file.size, "stored": stored}


def upload(owner: Any, upload_id: Any) -> Source:
    """Take over a finished upload of `owner`. Foreign ones look like none. Raises Invalid."""
    row = Upload.objects.filter(owner=owner, pk=_uuid(upload_id)).first()
    if row is None:
        raise Invalid([Problem("upload", gettext_noop("No upload of yours has this id. It may be over a day old."))])
    if row.received < row.bytes:
        sentence = gettext_noop("This upload is not complete: %(received)s of %(bytes)s bytes are here.")
        raise Invalid([Problem("upload", sentence, {"received": row.received, "bytes": row.bytes})])
    with open(places.upload(row.stored), "rb") as kept:
        _refuse_useless(row.name, kept.read(8), "upload")
    source = {"file": row.name, "bytes": row.bytes, "stored": row.stored}
    row.delete()
    return source


def directory(path: Any) -> Source:
    """A directory below one of FLEETUNE_DATA_ROOTS. Raises Invalid; whether it is there is for the import to see."""
    if not settings.FLEETUNE_DATA_ROOTS:
        sentence = gettext_noop(
            "Reading directories of the server is off. An admin can allow some (FLEETUNE_DATA_ROOTS)."
        )
        raise Invalid([Problem("directory", sentence)])
    text = posixpath.normpath(path) if isinstance(path, str) and "\0" not in path else ""
    if not root_of(text):
        sentence = gettext_noop("This directory is not below one that an admin has allowed.")
        raise Invalid([Problem("directory", sentence)])
    return {"directory": text}


def root_of(path: str) -> str:
    """The allowed root that `path` (absolute, without `..`) lies below; "" for none."""
    parts = PurePosixPath(path)
    roots = [root for root in settings.FLEETUNE_DATA_ROOTS if parts.is_absolute() and parts.is_relative_to(root)]
    return max(roots, key=len, default="")


@contextmanager
def dropped_on_failure(source: Source) -> Iterator[None]:
    """A file that came with a request which is refused after all does not stay."""
    try:
        yield
    except BaseException:
        if source.get("stored", "").startswith((OF_REQUESTS, OF_THE_WEB, OF_ADDRESSES, OF_BUCKETS)):
            forget(places.upload(source["stored"]))
        raise


def for_child(source: Source) -> Source:
    """As `catalog.imports.work` takes it."""
    if "cleaned" in source:
        version = str(places.version(source["hash"]))
        return {"cleaned": source["cleaned"], "without": source["without"], "version": version}
    if "builtin" in source:
        return {"builtin": source["builtin"]}
    if "directory" in source:
        root = root_of(source["directory"]) or "/nowhere"  # an admin may have taken the root back meanwhile
        return {"root": root, "directory": posixpath.relpath(source["directory"], root)}
    if source["stored"].startswith(OF_THE_WEB):
        return {"fetched": str(places.upload(source["stored"]))}
    if source["stored"].startswith(OF_ADDRESSES):
        return {"path": str(places.upload(source["stored"]) / BODY), "name": source["file"]}
    if source["stored"].startswith(OF_BUCKETS):
        return _copied(places.upload(source["stored"]) / FILES, source.get("file", ""))
    return {"path": str(places.upload(source["stored"])), "name": source["file"]}


def _copied(files: Path, single: str) -> Source:
    """A bucket's objects: a folder, or (`single`) one file that may be an archive or a table."""
    return {"path": str(files / single), "name": single} if single else {"root": str(files), "directory": "."}


def concerns(schema: dict[str, Any]) -> dict[str, int]:
    """How much there is of each of WITHOUT in a version."""
    leaks = schema.get("leaks", {})
    held_out = {"leaks": leaks.get("exact", 0), "near_leaks": leaks.get("near", 0)}
    return held_out | {name: schema.get(name, 0) for name in ("duplicates", "contradictions")}


def cleaned(version: DatasetVersion, without: Any) -> Source:
    """What a version consists of, but for what its checks list. What the dataset keeps stays kept. Raises Invalid."""
    counts = concerns(version.schema)
    named = WITHOUT if without in (None, "") else without
    if not isinstance(named, list | tuple):
        raise Invalid([Problem("without", gettext_noop("Expected a list such as ['duplicates'])."))])
    if wrong := [name for name in named if name not in WITHOUT]:
        raise Invalid([unknown("without", str(wrong[0]), WITHOUT)])
    found = [name for name in WITHOUT if name in named and counts[name]]
    if not found:
        sentence = gettext_noop("There is nothing to leave out: what could not be read is not in this version anyway.")
        raise Invalid([Problem("without", sentence)])
    cleaned = {"cleaned": version.number, "hash": version.content_hash, "without": found}
    return origin_of(version.dataset.source) | cleaned


def origin_of(source: Source) -> Source:
    """Where data came from in the first place, before a version of it was cleaned."""
    return {name: value for name, value in source.items() if name not in OF_CLEANED}


def to_read_again(dataset: Dataset) -> Source | None:
    """What waits for a decision came from, or else the newest version. None when that is not kept."""
    source = dataset.found.get("source") or origin_of(dataset.source)
    kept = "directory" in source or places.upload(source.get("stored", "-")).exists()
    return source if kept and "builtin" not in source else None


def _refuse_useless(name: str, start: bytes, path: str) -> None:
    if not start:
        raise Invalid([Problem(path, gettext_noop("The file is empty."))])
    if name.casefold().endswith(".zip") and not start.startswith(ZIP_STARTS):
        sentence = gettext_noop(
            "It is called .zip and is not a zip archive. Pack it anew, as zip or tar, or upload the table in it."
        )
        raise Invalid([Problem(path, sentence)])
    if can_run_code(name, start):
        raise Invalid([Problem(path, RUNS_CODE)])
    for kind, mark in CLOSED_STARTS.items():
        if start.startswith(mark):
            sentence = gettext_noop("%(kind)s archives are not read here. Make a zip or a tar.")
            raise Invalid([Problem(path, sentence, {"kind": kind})])


def _uuid(value: Any) -> Any:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None
