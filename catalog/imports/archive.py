"""Zip archives that nobody has checked: refused whole, by the entry's name, when one entry is up to something.

Limits: `docs/security.md`.
"""

import itertools
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from catalog.imports import entry_names
from catalog.imports.bundle import Entry, refuse_larger, refuse_nested
from catalog.imports.entry_names import shown
from contract.problems import gettext_noop
from recipes.images import MAX_BYTES, Unreadable
from recipes.sandbox.inside import Refused

MOST_RATIO = 200
RATIO_FROM_BYTES = 2**20
MOST_DIRECTORY_BYTES = 40 * 2**20
"""of the list of entries: 100,000 of them with the longest names"""
ENCRYPTED, SIZES_FOLLOW = 0x1, 0x8


class Archive:
    """An archive whose entries have all passed. Raises Refused otherwise."""

    def __init__(self, path: Path):
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        try:
            infos = _infos(self._file)
            _name(infos)
            _refuse_bad_entries(infos)
        except BaseException:
            self._file.close()
            raise
        self.files = [_entry(info) for info in infos if not info.is_dir()]
        self.folders = [entry_names.parts_of(info.filename) for info in infos if info.is_dir()]
        self.unpacked_bytes = sum(info.file_size for info in infos)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def read(self, entry: Entry, limit: int = MAX_BYTES) -> bytes:
        """As `Bundle.read`."""
        info = entry.handle
        refuse_larger(max(info.file_size, info.compress_size), limit)
        packed = self._packed(entry)
        data = packed if info.compress_type == zipfile.ZIP_STORED else _inflated(packed, entry)
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise Unreadable(gettext_noop("The file is damaged inside the archive: its checksum does not fit."))
        refuse_nested(data, entry)
        return data

    def open(self, entry: Entry) -> BinaryIO:
        """As `Bundle.open`."""
        return cast("BinaryIO", zipfile.ZipFile(self._file).open(entry.handle))

    def _packed(self, entry: Entry) -> bytes:
        info = entry.handle
        self._file.seek(info.header_offset)
        header = self._file.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise Unreadable(gettext_noop("The file is not where the archive says it is."))
        flags, packed_size, size, name_length, extra_length = struct.unpack("<6xH10xIIHH", header)
        told = info.compress_size, info.file_size
        if not flags & SIZES_FOLLOW and 0xFFFFFFFF not in (packed_size, size) and (packed_size, size) != told:
            raise _lies(entry)
        self._file.seek(name_length + extra_length, 1)
        return self._file.read(info.compress_size)


def _infos(file) -> list[zipfile.ZipInfo]:
    _refuse_huge_directory(file)
    sentence = gettext_noop("The zip archive is damaged or cut off. Make it again and upload it anew.")
    try:
        infos = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise Refused(sentence) from error
    if any(info.header_offset < 0 for info in infos):  # bytes are missing in front of the list
        raise Refused(sentence)
    return infos


def _name(infos: list[zipfile.ZipInfo]) -> None:
    """Give each its whole name. Some programs of Windows write backslashes between folders: where no name has a slash
    they can be nothing else, and are read, and checked, as slashes.
    """
    slashes = any("/" in info.orig_filename for info in infos)
    for info in infos:
        info.filename = info.orig_filename if slashes else info.orig_filename.replace("\\", "/")


def _refuse_huge_directory(file) -> None:
    """Before the list of entries is read into memory: is it of a size that the allowed number can have?"""
    file.seek(0, 2)
    tail_bytes = min(file.tell(), 22 + 65_535)
    file.seek(-tail_bytes, 2)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    size = struct.unpack_from("<I", tail, end + 12)[0] if 0 <= end <= len(tail) - 22 else 0
    wide = tail.rfind(b"PK\x06\x06")
    if size == 0xFFFFFFFF and 0 <= wide <= len(tail) - 56:
        size = struct.unpack_from("<Q", tail, wide + 40)[0]
    if size > MOST_DIRECTORY_BYTES:
        raise entry_names.too_many()


def _refuse_bad_entries(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > entry_names.MOST_ENTRIES:
        raise entry_names.too_many()
    if sum(info.file_size for info in infos) > entry_names.MOST_BYTES:
        raise entry_names.too_large()
    for info in infos:
        entry_names.refuse_bad_name(info.filename)
        _refuse_bad_kind(info)
    entry_names.refuse_twins(infos, lambda info: info.filename)
    _refuse_overlaps(infos)


def _refuse_bad_kind(info: zipfile.ZipInfo) -> None:
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or mode & (stat.S_ISUID | stat.S_ISGID):
        raise entry_names.is_no_plain_file(info.filename)
    if info.flag_bits & ENCRYPTED:
        raise Refused(gettext_noop("'%(entry)s' is encrypted. Zip it without a password."), entry=shown(info.filename))
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        sentence = gettext_noop("'%(entry)s' is packed in a way that is not read here. Make a plain zip (deflate).")
        raise Refused(sentence, entry=shown(info.filename))
    if info.file_size > RATIO_FROM_BYTES and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        sentence = gettext_noop("'%(entry)s' unpacks to over %(ratio)s times its size: this looks like a zip bomb.")
        raise Refused(sentence, entry=shown(info.filename), ratio=MOST_RATIO)


def _refuse_overlaps(infos: list[zipfile.ZipInfo]) -> None:
    """Entries that share bytes multiply what unpacks from them."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for info, following in itertools.pairwise(ordered):
        if info.header_offset + 30 + info.compress_size > following.header_offset:
            sentence = gettext_noop("'%(entry)s' shares its bytes with another entry: this looks like a zip bomb.")
            raise Refused(sentence, entry=shown(following.filename))


def _inflated(packed: bytes, entry: Entry) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(packed, entry.handle.file_size + 1)
    except zlib.error as error:
        raise Unreadable(gettext_noop("The file is damaged inside the archive and does not unpack.")) from error
    if len(data) > entry.handle.file_size:
        raise _lies(entry)
    return data


def _lies(entry: Entry) -> Refused:
    sentence = gettext_noop("'%(entry)s' is of another size than the archive says: this looks like a zip bomb.")
    return Refused(sentence, entry=entry.name)


def _entry(info: zipfile.ZipInfo) -> Entry:
    return Entry(entry_names.parts_of(info.filename), info.file_size, info, info.header_offset)
