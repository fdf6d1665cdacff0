"""Zip archives that nobody has checked: refused whole, by the entry's name, when one entry is up to something.

The archive's names are read and compared but never used: files get names of our own. Limits: `docs/security.md`.
"""

import itertools
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from contract.problems import gettext_noop
from recipes.images import MAX_BYTES, Unreadable
from recipes.sandbox.inside import Refused

MOST_ENTRIES = 100_000
MOST_BYTES = 20 * 2**30
MOST_RATIO = 200
RATIO_FROM_BYTES = 2**20
LONGEST_PATH_BYTES = 240
MOST_PARTS = 16
MOST_DIRECTORY_BYTES = 40 * 2**20
"""of the list of entries: 100,000 of them with the longest names"""
ENCRYPTED, SIZES_FOLLOW = 0x1, 0x8
NESTED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")
"""zip, empty zip, gzip, bzip2, xz, 7z, rar, zstandard"""


@dataclass(frozen=True)
class Entry:
    """A file of the archive. `parts` of its name are for sorting and showing only."""

    parts: tuple[str, ...]
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        return "/".join(self.parts)


class Archive:
    """An archive whose entries have all passed. Raises Refused otherwise."""

    def __init__(self, path: Path):
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        try:
            infos = _infos(self._file)
            _refuse_bad_entries(infos)
        except BaseException:
            self._file.close()
            raise
        self.files = [Entry(_parts(info), info) for info in infos if not info.is_dir()]
        self.folders = [_parts(info) for info in infos if info.is_dir()]
        self.unpacked_bytes = sum(info.file_size for info in infos)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def read(self, entry: Entry) -> bytes:
        """What the entry holds. Raises Unreadable when it is damaged, Refused when it is an attack."""
        info = entry.info
        if max(info.file_size, info.compress_size) > MAX_BYTES:
            raise Unreadable(gettext_noop("The file is larger than %(limit)s MiB."), limit=MAX_BYTES // 2**20)
        packed = self._packed(entry)
        data = packed if info.compress_type == zipfile.ZIP_STORED else _inflated(packed, entry)
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise Unreadable(gettext_noop("The file is damaged inside the archive: its checksum does not fit."))
        if data.startswith(NESTED) or data[257:262] == b"ustar":
            sentence = gettext_noop("'%(entry)s' is an archive inside the archive. Unpack it and zip the folders.")
            raise Refused(sentence, entry=entry.name)
        return data

    def _packed(self, entry: Entry) -> bytes:
        info = entry.info
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
    try:
        return zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        sentence = gettext_noop("The file is not a zip archive, or it is cut off. Make it again and upload it anew.")
        raise Refused(sentence) from error


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
        raise _too_many()


def _too_many() -> Refused:
    return Refused(gettext_noop("The archive has more than %(limit)s entries."), limit=MOST_ENTRIES)


def _refuse_bad_entries(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MOST_ENTRIES:
        raise _too_many()
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise Refused(gettext_noop("The archive unpacks to more than %(limit)s GiB."), limit=MOST_BYTES // 2**30)
    seen: dict[str, str] = {}
    for info in infos:
        _refuse_bad_name(info)
        _refuse_bad_kind(info)
        twin = unicodedata.normalize("NFC", info.orig_filename).casefold().rstrip("/")
        if twin in seen:
            sentence = gettext_noop("'%(entry)s' is in the archive twice (capital letters do not count).")
            raise Refused(sentence, entry=_shown(info))
        seen[twin] = info.orig_filename
    _refuse_overlaps(infos)


def _refuse_bad_name(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or re.match(r"^[A-Za-z]:", name):
        raise Refused(gettext_noop("'%(entry)s' has an absolute path."), entry=_shown(info))
    if ".." in parts:
        raise Refused(gettext_noop("'%(entry)s' points outside the archive."), entry=_shown(info))
    if "\\" in name or any(ord(char) < 32 or ord(char) == 127 for char in name) or "" in parts or "." in parts:
        sentence = gettext_noop("'%(entry)s' has a name with characters that are not allowed in paths.")
        raise Refused(sentence, entry=_shown(info))
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_PATH_BYTES or len(parts) > MOST_PARTS:
        sentence = gettext_noop("'%(entry)s' has a path of more than %(bytes)s bytes or %(parts)s folders.")
        raise Refused(sentence, entry=_shown(info), bytes=LONGEST_PATH_BYTES, parts=MOST_PARTS)


def _refuse_bad_kind(info: zipfile.ZipInfo) -> None:
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or mode & (stat.S_ISUID | stat.S_ISGID):
        sentence = gettext_noop("'%(entry)s' is a link or a special file. Zip plain files only.")
        raise Refused(sentence, entry=_shown(info))
    if info.flag_bits & ENCRYPTED:
        raise Refused(gettext_noop("'%(entry)s' is encrypted. Zip it without a password."), entry=_shown(info))
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        sentence = gettext_noop("'%(entry)s' is packed in a way that is not read here. Make a plain zip (deflate).")
        raise Refused(sentence, entry=_shown(info))
    if info.file_size > RATIO_FROM_BYTES and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        sentence = gettext_noop("'%(entry)s' unpacks to over %(ratio)s times its size: this looks like a zip bomb.")
        raise Refused(sentence, entry=_shown(info), ratio=MOST_RATIO)


def _refuse_overlaps(infos: list[zipfile.ZipInfo]) -> None:
    """Entries that share bytes multiply what unpacks from them."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for info, following in itertools.pairwise(ordered):
        if info.header_offset + 30 + info.compress_size > following.header_offset:
            sentence = gettext_noop("'%(entry)s' shares its bytes with another entry: this looks like a zip bomb.")
            raise Refused(sentence, entry=_shown(following))


def _inflated(packed: bytes, entry: Entry) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(packed, entry.info.file_size + 1)
    except zlib.error as error:
        raise Unreadable(gettext_noop("The file is damaged inside the archive and does not unpack.")) from error
    if len(data) > entry.info.file_size:
        raise _lies(entry)
    return data


def _lies(entry: Entry) -> Refused:
    sentence = gettext_noop("'%(entry)s' is of another size than the archive says: this looks like a zip bomb.")
    return Refused(sentence, entry=entry.name)


def _parts(info: zipfile.ZipInfo) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", part) for part in info.orig_filename.rstrip("/").split("/"))


def _shown(info: zipfile.ZipInfo) -> str:
    """The name, safe to print."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in info.orig_filename)[:240]
