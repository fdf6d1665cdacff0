"""Copying what lies below a prefix onto this disk, in slices: a copy that was killed goes on where it was.

Below the directory of the fetch: `objects.json` is the list as it was when the copy began, `files/` holds what is
here whole, `parts/` what is on its way.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalog.imports import entry_names
from catalog.imports.space import refuse_without_space
from catalog.web.bucket import Bucket, Object
from catalog.web.bucket_asked import AskedBucket
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

LISTED, FILES, PARTS = "objects.json", "files", "parts"
AT_ONCE = 8
TELL_EVERY_S = 0.3


@dataclass(frozen=True)
class Wanted:
    """An object and the file that it becomes."""

    object: Object
    name: str


class Copy:
    def __init__(self, bucket: Bucket, asked: AskedBucket, directory: Path):
        self._bucket = bucket
        self._asked = asked
        self._directory = directory
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self._here_bytes = 0

    def go(self, seconds: float, progress: Callable[[float], None]) -> bool:
        """Whether all of it is here; False: the time is over. Raises Refused, NotFetched."""
        deadline = time.monotonic() + seconds
        wanted = self._wanted()
        for name in (FILES, PARTS):
            (self._directory / name).mkdir(exist_ok=True)
        missing = [one for one in wanted if not self._is_here(one)]
        whole = sum(one.object.bytes for one in wanted) or 1
        self._here_bytes = sum(self._bytes_of(one) for one in wanted)
        refuse_without_space(self._directory, whole - self._here_bytes)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running = {pool.submit(self._copy, one) for one in missing}
            try:
                while running and time.monotonic() < deadline:
                    done, running = wait(running, TELL_EVERY_S, FIRST_COMPLETED)
                    for one in done:
                        one.result()
                    progress(self._here_bytes / whole)
            finally:
                self._enough.set()
        for one in running:
            one.result()  # whoever was at work has ended with its part
        return all(self._is_here(one) for one in missing)

    def summary(self) -> dict[str, Any]:
        """{"objects", "object_bytes"}, and of a single one "file" and "bytes": it is no folder, but that file."""
        wanted = self._wanted()
        told: dict[str, Any] = {"objects": len(wanted), "object_bytes": sum(one.object.bytes for one in wanted)}
        return told | ({"file": wanted[0].name, "bytes": told["object_bytes"]} if len(wanted) == 1 else {})

    def _wanted(self) -> list[Wanted]:
        path = self._directory / LISTED
        if not path.exists():
            listed = self._listed()
            unfinished = path.with_suffix(".new")
            unfinished.write_text(json.dumps([asdict(one) for one in listed]), encoding="utf-8")
            unfinished.rename(path)
        objects = [Object(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
        return [Wanted(one, self._asked.name_of(one.key)) for one in objects]

    def _listed(self) -> list[Object]:
        """Raises Refused for more, or other names, than an archive may have."""
        listed, total = [], 0
        for found in self._bucket.objects():
            name = self._asked.name_of(found.key)
            entry_names.refuse_bad_name(name)
            listed.append(found)
            total += found.bytes
            if len(listed) > entry_names.MOST_ENTRIES:
                raise entry_names.too_many()
            if total > entry_names.MOST_BYTES:
                raise entry_names.too_large()
        if not listed:
            sentence = gettext_noop("Nothing in the bucket '%(bucket)s' begins with '%(prefix)s'.")
            raise Refused(sentence, bucket=self._asked.bucket, prefix=entry_names.shown(self._asked.prefix))
        _refuse_no_folder([self._asked.name_of(one.key) for one in listed])
        return listed

    def _copy(self, one: Wanted) -> None:
        """Until it is here, or the time is over. What is there of it already is kept."""
        part = self._part_of(one)
        size = part.stat().st_size if part.exists() else 0
        with open(part, "ab") as file:
            while size < one.object.bytes:
                if self._enough.is_set():
                    return
                data = self._bucket.part(one.object, size)
                file.write(data)
                file.flush()
                size += len(data)
                with self._lock:
                    self._here_bytes += len(data)
        place = self._place_of(one)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, place)

    def _is_here(self, one: Wanted) -> bool:
        return self._place_of(one).is_file()

    def _bytes_of(self, one: Wanted) -> int:
        for path in (self._place_of(one), self._part_of(one)):
            if path.is_file():
                return path.stat().st_size
        return 0

    def _place_of(self, one: Wanted) -> Path:
        return self._directory / FILES / one.name

    def _part_of(self, one: Wanted) -> Path:
        return self._directory / PARTS / hashlib.sha256(one.object.key.encode()).hexdigest()


def _refuse_no_folder(names: list[str]) -> None:
    """A storage may have 'a' beside 'a/b', and 'A' beside 'a'; a disk may not."""
    entry_names.refuse_twins(names, str)
    folders: set[str] = set()
    for name in names:
        parts = name.split("/")
        folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    if both := folders.intersection(names):
        sentence = gettext_noop("'%(entry)s' is an object and the beginning of others. Rename it, then import again.")
        raise Refused(sentence, entry=entry_names.shown(min(both)))
