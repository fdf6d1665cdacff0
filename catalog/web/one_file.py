"""One file of an address. What is here of it stays over a restart or a broken connection, and only the rest is asked
for, as long as the server says that the file is still the same one.

Below the directory of the fetch: BODY is what came, FACTS by what the server knows it again.
"""

import json
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from catalog.web.addresses import NotFetched
from catalog.web.guard import Fetched, Guard, NoAnswer
from contract.problems import gettext_noop

BODY, FACTS = "body", "facts.json"
TRIES = 5
"""in a row that bring no byte"""
PAUSE_S = 1.0
"""before the second try; longer before each further one"""
STEADY_S = 60
"""between change and answer: a fresher file may change again within the same second (RFC 9110, 8.8.2.2)"""
PARTIAL, OUT_OF_RANGE = 206, 416


class OneFile:
    def __init__(self, guard: Guard, url: str, directory: Path, most_bytes: int, whole_s: float):
        self._guard, self._url = guard, url
        self._most_bytes = most_bytes
        self._deadline = time.monotonic() + whole_s
        self._body, self._facts = directory / BODY, directory / FACTS
        self._progress: Callable[[float], None] = lambda part: None
        directory.mkdir(mode=0o700, exist_ok=True)
        self._body.touch(mode=0o600)

    @property
    def bytes(self) -> int:
        return self._body.stat().st_size

    def fetch(self, progress: Callable[[float], None]) -> Fetched:
        """Until all of it is here. Raises NotFetched."""
        self._progress = progress
        failures = 0
        while True:
            before = self.bytes
            try:
                return self._ask()
            except NoAnswer:
                failures = 0 if self.bytes > before and self._mark() else failures + 1
                if failures == TRIES or time.monotonic() > self._deadline:
                    raise
                time.sleep(PAUSE_S * max(failures, 1))

    def _ask(self) -> Fetched:
        """One request; where the server offers nothing after what is here, another one for all of it."""
        answer = self._go_on(self._mark())
        if answer.status == OUT_OF_RANGE:
            self._facts.unlink(missing_ok=True)
            answer = self._go_on("")
        return answer

    def _go_on(self, mark: str) -> Fetched:
        headers = {"Accept-Encoding": "identity"}
        if mark and self.bytes:
            headers |= {"Range": f"bytes={self.bytes}-", "If-Range": mark}
        with open(self._body, "r+b") as file:
            into = _Counted(file, self._progress)

            def begin(status: int, found: dict[str, str]) -> int:
                """How many bytes stay; the rest of the answer comes after them."""
                stays = self._staying(status, found) if "Range" in headers else 0
                file.truncate(stays)
                file.seek(stays)
                self._keep_mark(status, found)
                into.whole = stays + _length(found)
                return stays

            left_s = max(self._deadline - time.monotonic(), 0)
            return self._guard.save(self._url, into, self._most_bytes, left_s, headers=headers, begin=begin)

    def _staying(self, status: int, found: dict[str, str]) -> int:
        if status != PARTIAL:
            return 0  # it is another file now, or the server sends whole ones only
        if found.get("content-range", "").partition("-")[0].strip() != f"bytes {self.bytes}":
            self._facts.unlink(missing_ok=True)
            raise NoAnswer(gettext_noop("The server sends another part of the file than was asked for."))
        return self.bytes

    def _keep_mark(self, status: int, found: dict[str, str]) -> None:
        if status == PARTIAL:
            return
        self._facts.write_text(json.dumps({"mark": _mark_of(found) if status == 200 else ""}), encoding="utf-8")

    def _mark(self) -> str:
        try:
            return str(json.loads(self._facts.read_text(encoding="utf-8"))["mark"])
        except (FileNotFoundError, ValueError, KeyError):
            return ""  # never begun, or cut off while it was written


class _Counted:
    """A file that tells how much of the whole is in it."""

    def __init__(self, file: Any, progress: Callable[[float], None]):
        self._file, self._progress = file, progress
        self.whole = 0

    def write(self, data: bytes) -> int:
        written = self._file.write(data)
        if self.whole:
            self._progress(min(self._file.tell() / self.whole, 1))
        return written


def refuse_status(answer: Fetched) -> None:
    """Raises NotFetched for an answer that is no file."""
    if answer.status not in (200, PARTIAL):
        raise NotFetched(gettext_noop("The site answers with %(status)s instead of the file."), status=answer.status)


def _mark_of(found: dict[str, str]) -> str:
    """What If-Range may name: a strong tag, or a time of change that is not too fresh; "" for none."""
    if found.get("content-encoding", "identity") != "identity":
        return ""  # bytes as they are sent are not those that are kept
    tag, changed = found.get("etag", ""), found.get("last-modified", "")
    if tag.startswith('"'):
        return tag
    return changed if _seconds(found.get("date", "")) - _seconds(changed) >= STEADY_S else ""


def _seconds(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return float("nan")


def _length(found: dict[str, str]) -> int:
    told = found.get("content-length", "")[:20]
    return int(told) if told.isdecimal() else 0
