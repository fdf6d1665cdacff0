"""What layouts ask of a bundle: its pictures, by the names that lists give them, and the split a path names."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from catalog.imports.bundle import Bundle, Entry
from catalog.imports.json_text import parsed
from catalog.imports.tables.encoding import line_of
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
MOST_LIST_BYTES = 256 * 2**20


def is_system_file(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part.casefold() in SYSTEM_FILES for part in parts)


def kept(bundle: Bundle) -> list[Entry]:
    """Files without those that operating systems leave behind."""
    return [entry for entry in bundle.files if not is_system_file(entry.parts)]


def suffix(entry: Entry) -> str:
    return PurePosixPath(entry.parts[-1]).suffix.casefold()


def pictures(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if suffix(entry) in PICTURE_SUFFIXES]


class PictureNames:
    """Finds the picture that a list means: by its path from the list's folder, from the top, or by its bare name."""

    def __init__(self, entries: Iterable[Entry]):
        self._by_path: dict[str, Entry] = {}
        self._by_name: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_path[entry.name] = entry
            self._by_name.setdefault(entry.parts[-1], []).append(entry)

    def find(self, name: str, folder: tuple[str, ...] = ()) -> Entry | None:
        """None when there is none, or when a bare name fits several."""
        path = name.replace("\\", "/").strip().removeprefix("./")
        for length in range(len(folder), -1, -1):
            found = self._by_path.get("/".join((*folder[:length], path)))
            if found:
                return found
        same = self._by_name.get(path.rpartition("/")[2], [])
        below = [entry for entry in same if entry.parts[: len(folder)] == folder]
        return same[0] if len(same) == 1 else below[0] if len(below) == 1 else None


def split_in_path(parts: tuple[str, ...]) -> str:
    """The split that a folder or the file's own name gives (`train/`, `val2017/`, `instances_train2017.json`)."""
    for part in parts:
        for word in re.split(r"[^a-z]+", part.casefold()):
            if word in SPLIT_NAMES:
                return SPLIT_NAMES[word]
    return ""


def read(bundle: Bundle, entry: Entry, limit: int = MOST_LIST_BYTES) -> bytes:
    """What a file holds that others hang on. Raises Refused, naming it, where `Bundle.read` finds it unreadable."""
    try:
        return bundle.read(entry, limit)
    except Unreadable as error:
        raise Refused(gettext_noop("'%(name)s' cannot be read: %(why)s"), name=entry.name, why=str(error)) from error


def read_json(bundle: Bundle, entry: Entry) -> Any:
    """As `parsed`. Raises Refused with the place of the mistake."""
    data = read(bundle, entry)
    try:
        return parsed(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        sentence = gettext_noop("'%(name)s' is not UTF-8: see its line %(line)s. Save the file as UTF-8.")
        raise Refused(sentence, name=entry.name, line=line_of(data, error, "utf-8")) from error
    except (ValueError, RecursionError) as error:
        sentence = gettext_noop("'%(name)s' is not JSON (%(detail)s).")
        raise Refused(sentence, name=entry.name, detail=str(error)[:120]) from error
