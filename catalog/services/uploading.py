"""Uploads that arrive in chunks: begun, continued where they broke off, checked, taken over or forgotten."""

import base64
import binascii
import hashlib
import os
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.utils import timezone

from catalog import places
from catalog.imports.entry_names import MOST_BYTES
from catalog.locks import alone
from catalog.models import Dataset, Upload
from catalog.services.sources import OF_ADDRESSES, OF_BUCKETS, OF_REQUESTS, OF_THE_WEB
from catalog.uploaded import forget as forget_place
from contract.problems import Invalid, Problem, gettext_noop

CHUNK_BYTES = 64 * 2**20
PIECE_BYTES = 2**20
KEPT_FOR = timedelta(hours=24)
MOST_UNFINISHED = 20
SPACE_LEFT_BYTES = 256 * 2**20


class NoSpace(Exception):
    """413: `free` bytes are left on the server."""

    def __init__(self, free: int):
        self.free = free
        super().__init__(f"{free} bytes free")


class WrongOffset(Exception):
    """409: the upload goes on at `received`."""

    def __init__(self, received: int):
        self.received = received
        super().__init__(f"goes on at {received}")


class WrongHash(Exception):
    """422: what came is not what was sent. A chunk is thrown away; a whole file with its upload (`whole`)."""

    def __init__(self, whole: bool):
        self.whole = whole
        super().__init__("wrong SHA-256")


class TooLarge(Exception):
    """413: a chunk of more than CHUNK_BYTES, or more than the upload was announced with."""


def begin(owner: Any, name: Any, size: Any, sha256: Any = "", fingerprint: Any = "") -> Upload:
    """Raises Invalid, NoSpace."""
    problems = _problems(name, size, sha256, fingerprint)
    if Upload.objects.filter(owner=owner).count() >= MOST_UNFINISHED:
        sentence = gettext_noop("You have %(count)s unfinished uploads. Finish or remove one of them first.")
        problems.append(Problem("name", sentence, {"count": MOST_UNFINISHED}))
    if problems:
        raise Invalid(problems)
    free = shutil.disk_usage(places.uploads()).free
    if size + SPACE_LEFT_BYTES > free:
        raise NoSpace(free)
    row = Upload.objects.create(
        owner=owner,
        name=Path(name).name[:240],
        bytes=size,
        sha256=sha256,
        fingerprint=fingerprint,
        seen_at=timezone.now(),
    )
    places.upload(row.stored).touch(mode=0o600)
    return row


def append(upload: Upload, offset: int, chunk: BinaryIO, checksum: str = "") -> Upload:
    """Write `chunk` at `offset`, which must be where the upload stands. `checksum`: "sha256 <base64 or hex>" of the
    chunk. Of a chunk whose sender vanished nothing counts. Raises WrongOffset, WrongHash, TooLarge.
    """
    with alone(f"upload-{upload.pk.hex}", wait=True):
        upload.refresh_from_db()
        if offset != upload.received:
            raise WrongOffset(upload.received)
        written, digest = _written(upload, offset, chunk)
        if checksum and _digest_of(checksum) != digest:
            raise WrongHash(whole=False)
        if offset + written == upload.bytes:
            _refuse_other_file(upload)
        Upload.objects.filter(pk=upload.pk, received=offset).update(received=offset + written, seen_at=timezone.now())
        upload.refresh_from_db()
    return upload


def forget(upload: Upload) -> None:
    places.upload(upload.stored).unlink(missing_ok=True)
    Upload.objects.filter(pk=upload.pk).delete()


def forget_abandoned(now: datetime) -> None:
    """Uploads that nobody went on with for a day, and files that no row names (their request died half way)."""
    for upload in Upload.objects.filter(seen_at__lt=now - KEPT_FOR):
        forget(upload)
    starts = ("data-", OF_REQUESTS, OF_THE_WEB, OF_ADDRESSES, OF_BUCKETS)
    kept = [path for start in starts for path in places.uploads().glob(f"{start}*")]
    old = [path for path in kept if path.stat().st_mtime < (now - KEPT_FOR).timestamp()]
    if old:
        named = {upload.stored for upload in Upload.objects.all()}
        for source, asked in Dataset.objects.filter(removed_at=None).values_list("source", "asked"):
            named |= {source.get("stored"), asked.get("source", {}).get("stored")}
        for path in old:
            if path.name not in named:
                forget_place(path)


def _problems(name: Any, size: Any, sha256: Any, fingerprint: Any) -> list[Problem]:
    found = []
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        found.append(Problem("name", gettext_noop("Give the name of the file.")))
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MOST_BYTES:
        sentence = gettext_noop("Give the size in bytes: from 1 to %(most)s.")
        found.append(Problem("bytes", sentence, {"most": MOST_BYTES}))
    if not isinstance(sha256, str) or (sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256)):
        found.append(Problem("sha256", gettext_noop("A SHA-256 has 64 digits from 0 to 9 and a to f.")))
    if not isinstance(fingerprint, str) or len(fingerprint) > 128:
        found.append(Problem("fingerprint", gettext_noop("At most %(most)s characters."), {"most": 128}))
    return found


def _written(upload: Upload, offset: int, chunk: BinaryIO) -> tuple[int, bytes]:
    """(how many bytes lie on the disk now from `offset` on, their SHA-256)"""
    content = hashlib.sha256()
    written, most = 0, min(CHUNK_BYTES, upload.bytes - offset)
    with open(places.upload(upload.stored), "r+b") as file:
        file.truncate(offset)
        file.seek(offset)
        while piece := chunk.read(PIECE_BYTES):
            written += len(piece)
            if written > most:
                file.truncate(offset)
                raise TooLarge
            content.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return written, content.digest()


def _digest_of(checksum: str) -> bytes:
    kind, _, text = checksum.strip().partition(" ")
    if kind.casefold() != "sha256":
        return b""
    try:
        return bytes.fromhex(text) if re.fullmatch(r"[0-9a-fA-F]{64}", text) else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _refuse_other_file(upload: Upload) -> None:
    if not upload.sha256:
        return
    with open(places.upload(upload.stored), "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != upload.sha256:
        forget(upload)
        raise WrongHash(whole=True)
