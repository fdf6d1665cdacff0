"""Names inside archives and directories that nobody has checked: read and compared, never used as paths of ours."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeVar

from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

MOST_ENTRIES = 100_000
MOST_BYTES = 20 * 2**30
LONGEST_PATH_BYTES = 240
MOST_PARTS = 16
T = TypeVar("T")


def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a name that has passed, in one spelling of accents."""
    return tuple(unicodedata.normalize("NFC", part) for part in name.rstrip("/").split("/"))


def refuse_bad_name(name: str) -> None:
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or re.match(r"^[A-Za-z]:", name):
        raise Refused(gettext_noop("'%(entry)s' has an absolute path."), entry=shown(name))
    if ".." in parts:
        raise Refused(gettext_noop("'%(entry)s' points outside the archive."), entry=shown(name))
    if "\\" in name:
        sentence = gettext_noop(
            "'%(entry)s' has a backslash (\\) in its name: it could be a folder or part of a name. Rename it, or pack "
            "the folders again with '/' between them (the Explorer's own 'Compress to ZIP' does)."
        )
        raise Refused(sentence, entry=shown(name))
    if any(char == "\x7f" or char < " " or "\ud800" <= char <= "\udfff" for char in name) or {"", "."} & {*parts}:
        sentence = gettext_noop("'%(entry)s' has a name with characters that are not allowed in paths.")
        raise Refused(sentence, entry=shown(name))
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_PATH_BYTES or len(parts) > MOST_PARTS:
        sentence = gettext_noop("'%(entry)s' has a path of more than %(bytes)s bytes or %(parts)s folders.")
        raise Refused(sentence, entry=shown(name), bytes=LONGEST_PATH_BYTES, parts=MOST_PARTS)


def refuse_twins(entries: Iterable[T], name_of: Callable[[T], str]) -> None:
    """Two entries that one disk could not hold side by side."""
    seen = set()
    for entry in entries:
        twin = unicodedata.normalize("NFC", name_of(entry)).casefold().rstrip("/")
        if twin in seen:
            sentence = gettext_noop("'%(entry)s' is in the archive twice (capital letters do not count).")
            raise Refused(sentence, entry=shown(name_of(entry)))
        seen.add(twin)


def too_many() -> Refused:
    return Refused(gettext_noop("The archive has more than %(limit)s entries."), limit=MOST_ENTRIES)


def too_large() -> Refused:
    return Refused(gettext_noop("The archive unpacks to more than %(limit)s GiB."), limit=MOST_BYTES // 2**30)


def is_no_plain_file(name: str) -> Refused:
    sentence = gettext_noop("'%(entry)s' is a link or a special file. Only plain files and folders are read.")
    return Refused(sentence, entry=shown(name))


def shown(name: str) -> str:
    """The name, safe to print."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)[:240]
