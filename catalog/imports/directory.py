"""A directory of this server, below a root that an admin has allowed. No link is followed, not even between two looks.

Every folder and file is opened from the folder above it, one name at a time, and never through a link.
"""

import os
import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from catalog.imports import entry_names
from catalog.imports.bundle import Entry, refuse_larger
from contract.problems import gettext_noop
from recipes.images import MAX_BYTES, Unreadable
from recipes.sandbox.inside import Refused

NO_LINKS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Directory:
    """`below` is a path relative to `root`. Raises Refused for links, special files, and too much of anything."""

    def __init__(self, root: Path, below: str):
        self._folder = _opened_root(root)
        for part in PurePosixPath(below).parts:
            self._folder = _stepped(self._folder, part)
        self.files: list[Entry] = []
        self.folders: list[tuple[str, ...]] = []
        self.unpacked_bytes = 0
        try:
            self._walk(self._folder, ())
            entry_names.refuse_twins(self.files, lambda entry: entry.name)
        except BaseException:
            os.close(self._folder)
            raise
        self.files.sort(key=lambda entry: entry.parts)

    def __enter__(self) -> "Directory":
        return self

    def __exit__(self, *_) -> None:
        os.close(self._folder)

    def read(self, entry: Entry, limit: int = MAX_BYTES) -> bytes:
        """As `Bundle.read`."""
        with self.open(entry) as file:
            data = file.read(limit + 1)
        refuse_larger(len(data), limit)
        return data

    def open(self, entry: Entry) -> BinaryIO:
        """As `Bundle.open`."""
        folder = os.dup(self._folder)
        for part in entry.parts[:-1]:
            folder = _stepped(folder, part)
        try:
            handle = os.open(entry.parts[-1], NO_LINKS, dir_fd=folder)
        except OSError as error:
            raise Unreadable(gettext_noop("The file cannot be opened (%(why)s)."), why=error.strerror) from error
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise entry_names.is_no_plain_file(entry.name)
        return open(handle, "rb")

    def _walk(self, folder: int, above: tuple[str, ...]) -> None:
        with os.scandir(folder) as found:
            children = list(found)
        for child in children:
            name = "/".join((*above, child.name))
            entry_names.refuse_bad_name(name)
            facts = child.stat(follow_symlinks=False)
            if stat.S_ISDIR(facts.st_mode):
                self.folders.append((*above, child.name))
                self._walk_below(folder, child.name, above)
            elif stat.S_ISREG(facts.st_mode):
                self._add((*above, child.name), facts.st_size)
            else:
                raise entry_names.is_no_plain_file(name)

    def _walk_below(self, folder: int, name: str, above: tuple[str, ...]) -> None:
        inner = _stepped(os.dup(folder), name)
        try:
            self._walk(inner, (*above, name))
        finally:
            os.close(inner)

    def _add(self, parts: tuple[str, ...], size: int) -> None:
        self.files.append(Entry(parts, size))
        self.unpacked_bytes += size
        if len(self.files) + len(self.folders) > entry_names.MOST_ENTRIES:
            raise entry_names.too_many()
        if self.unpacked_bytes > entry_names.MOST_BYTES:
            raise entry_names.too_large()


def _opened_root(root: Path) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        sentence = gettext_noop("The directory of the server that holds this data cannot be opened (%(why)s).")
        raise Refused(sentence, why=error.strerror) from error


def _stepped(folder: int, part: str) -> int:
    """The folder `part` inside `folder`, which is closed."""
    try:
        return os.open(part, NO_LINKS | os.O_DIRECTORY, dir_fd=folder)
    except OSError as error:
        sentence = gettext_noop("'%(name)s' is no folder that may be read here, or a link (%(why)s).")
        raise Refused(sentence, name=entry_names.shown(part), why=error.strerror) from error
    finally:
        os.close(folder)
