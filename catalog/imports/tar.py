"""Tar archives, plain or compressed (gzip, bzip2, xz), with the guards of the zip.

A compressed one is read front to back, so reading in the order of `Entry.position` unpacks it once.
"""

import tarfile
from pathlib import Path
from typing import BinaryIO, cast

from catalog.imports import entry_names
from catalog.imports.archive import MOST_RATIO, RATIO_FROM_BYTES
from catalog.imports.bundle import DAMAGED, Entry, refuse_larger, refuse_nested
from contract.problems import gettext_noop
from recipes.images import MAX_BYTES, Unreadable
from recipes.sandbox.inside import Refused

SET_ID_BITS = 0o6000


def is_tar(path: Path) -> bool:
    try:
        with tarfile.open(path, "r:*"):
            return True
    except DAMAGED:
        return False


class Tar:
    """An archive whose entries have all passed. Raises Refused otherwise."""

    def __init__(self, path: Path):
        self._tar = tarfile.open(path, "r:*")  # noqa: SIM115 - closed by __exit__
        try:
            members = _checked_members(self._tar, path.stat().st_size)
        except BaseException:
            self._tar.close()
            raise
        self.files = [
            Entry(entry_names.parts_of(name), member.size, member, member.offset)
            for name, member in members
            if member.isreg()
        ]
        self.folders = [entry_names.parts_of(name) for name, member in members if member.isdir()]
        self.unpacked_bytes = sum(entry.bytes for entry in self.files)

    def __enter__(self) -> "Tar":
        return self

    def __exit__(self, *_) -> None:
        self._tar.close()

    def read(self, entry: Entry, limit: int = MAX_BYTES) -> bytes:
        """As `Bundle.read`."""
        refuse_larger(entry.bytes, limit)
        try:
            file = self._tar.extractfile(entry.handle)
            data = file.read() if file else b""
        except DAMAGED as error:
            raise Unreadable(gettext_noop("The file is damaged inside the archive and does not unpack.")) from error
        if len(data) != entry.bytes:
            raise Unreadable(gettext_noop("The file is damaged inside the archive and does not unpack."))
        refuse_nested(data, entry)
        return data

    def open(self, entry: Entry) -> BinaryIO:
        """As `Bundle.open`."""
        return cast("BinaryIO", self._tar.extractfile(entry.handle))


def _checked_members(tar: tarfile.TarFile, packed_bytes: int) -> list[tuple[str, tarfile.TarInfo]]:
    """(name, member) of each file and folder. Sizes are checked before what they claim is unpacked."""
    members: list[tuple[str, tarfile.TarInfo]] = []
    total = 0
    try:
        while (member := tar.next()) is not None:
            total += member.size
            name = member.name.removeprefix("./")
            if name in ("", "."):
                continue
            entry_names.refuse_bad_name(name)
            _refuse_bad_kind(name, member)
            _refuse_too_much(name, total, packed_bytes, len(members))
            members.append((name, member))
    except DAMAGED as error:
        raise Refused(
            gettext_noop("The tar archive is damaged or cut off. Make it again and upload it anew.")
        ) from error
    entry_names.refuse_twins(members, lambda pair: pair[0])
    return members


def _refuse_bad_kind(name: str, member: tarfile.TarInfo) -> None:
    if not (member.isreg() or member.isdir()) or member.issparse() or member.mode & SET_ID_BITS:
        raise entry_names.is_no_plain_file(name)


def _refuse_too_much(name: str, total: int, packed_bytes: int, count: int) -> None:
    if count >= entry_names.MOST_ENTRIES:
        raise entry_names.too_many()
    if total > entry_names.MOST_BYTES:
        raise entry_names.too_large()
    if total > RATIO_FROM_BYTES and total > MOST_RATIO * packed_bytes:
        sentence = gettext_noop("'%(entry)s' unpacks to over %(ratio)s times its size: this looks like a zip bomb.")
        raise Refused(sentence, entry=entry_names.shown(name), ratio=MOST_RATIO)
