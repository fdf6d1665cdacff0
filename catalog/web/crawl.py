"""The crawl: the next address whose host may be asked again, fetch it, note what it gave, until enough is kept.

What a site forbids, what lies outside the allowed domains, and what cannot be used is noted with its reason.
"""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bs4.exceptions import ParserRejectedMarkup

from catalog.web import finds, robots
from catalog.web.addresses import NotFetched
from catalog.web.asked import Asked
from catalog.web.guard import MOST_BYTES, Fetched, Guard
from catalog.web.journal import Journal, Kept, Target
from catalog.web.page import UNKNOWN_LICENCE, Page
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

MOST_PAGE_BYTES = 4 * 2**20
MOST_TAGS = 200_000
"""1.4 million in 4 MiB take a minute to read (measured), and others wait for the worker"""
LEAST_FREE_BYTES = 512 * 2**20
HTML, PLAIN = ("text/html", "application/xhtml+xml"), "text/plain"
PICTURES = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG\r\n\x1a\n": ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
    b"RIFF": ".webp",
}
"""how a picture's file begins; whether it can be read is found out at the import"""


class Crawl:
    """`directory` gets `files/` and the journal. `go(seconds)` works for so long and says whether it is over.

    `skip`: addresses that ended the process that read them, each with the sentence for it.
    """

    def __init__(self, asked: Asked, directory: Path, guard: Guard, skip: dict[str, str] | None = None):
        self._asked, self._guard, self._skip = asked, guard, skip or {}
        self._files = directory / "files"
        self._files.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(directory)

    def go(
        self,
        seconds: float,
        tell: Callable[[float], None] = lambda part: None,
        at: Callable[[str], None] = lambda url: None,
    ) -> bool:
        """`tell` hears which part of the known addresses is done, 0 to 1; `at` which one comes next."""
        end = time.monotonic() + seconds
        if not self.journal.fact("begun"):
            self._begin()
        while not self.journal.fact("ended"):
            counts = self.journal.counts()
            tell(counts["seen"] / max(counts["seen"] + counts["waiting"], 1))
            if reason := self._enough(counts):
                self.journal.note("ended", reason)
                break
            due, origin, target = self._next()
            wait = max(due - time.time(), 0)
            if time.monotonic() + wait > end:
                return False
            time.sleep(wait)
            if self.journal.rules(origin) is None:
                self._read_rules(origin)
            else:
                at(target.url)
                self._fetch(target)
        return True

    def _begin(self) -> None:
        with self.journal.step():
            for row in self._asked.start:
                is_page = self._asked.follow or self._asked.take == "texts"
                target = Target(row["url"], is_page, 0, row["label"], UNKNOWN_LICENCE)
                self.journal.add([(target, robots.origin_of(target.url))])
        self.journal.note("begun", "yes")

    def _enough(self, counts: dict[str, int]) -> str:
        """Why nothing more is fetched; "" while there is more to do."""
        if not counts["waiting"]:
            return gettext_noop("Everything that could be reached was seen.")
        if counts["items"] >= self._asked.max_items:
            return gettext_noop("It stopped at the largest number of items.")
        if counts["bytes"] >= self._asked.max_mib * 2**20:
            return gettext_noop("It stopped at the largest size.")
        if counts["pages"] >= self._asked.max_pages:
            return gettext_noop("It stopped at the largest number of pages.")
        if shutil.disk_usage(self._files).free < LEAST_FREE_BYTES:
            raise Refused(gettext_noop("The disk of the server is nearly full. Make room and try again."))
        return ""

    def _next(self) -> tuple[float, str, Target]:
        """(when it may be asked, its origin, the target) of the origin whose turn is first."""
        waiting = self.journal.first_waiting()
        return min(((self._due(origin), origin, target) for origin, target in waiting.items()), key=lambda row: row[:2])

    def _due(self, origin: str) -> float:
        rules = self.journal.rules(origin)
        pause = max(1 / self._asked.rate, min(rules.delay, robots.LONGEST_DELAY_S) if rules else 0)
        return self.journal.asked_at(origin) + pause

    def _fetch(self, target: Target) -> None:
        try:
            if target.url in self._skip:
                raise NotFetched(self._skip[target.url])
            answer = self._guard.get(target.url, MOST_BYTES, before_hop=self._before_hop)
            if answer.status != 200:
                sentence = gettext_noop("The site answers with %(status)s instead of it.")
                raise NotFetched(sentence, status=answer.status)
            if target.is_page and answer.content_type in (HTML if self._asked.take == "images" else (*HTML, PLAIN)):
                self._take_page(target, answer)
            else:
                self._take_picture(target, answer)
        except NotFetched as refused:
            with self.journal.step():
                self.journal.refuse(target, refused)

    def _before_hop(self, url: str) -> None:
        """Each hop is inside the domains, allowed by the robots.txt of its site, and waits for its turn there."""
        if not self._asked.inside(url):
            raise NotFetched(finds.OUTSIDE)
        origin = robots.origin_of(url)
        (self.journal.rules(origin) or self._read_rules(origin)).check(url)
        time.sleep(max(self._due(origin) - time.time(), 0))
        self.journal.note_asked(origin, time.time())

    def _read_rules(self, origin: str) -> robots.Rules:
        self.journal.note_asked(origin, time.time())
        rules = robots.read(origin, self._guard)
        self.journal.note_rules(origin, rules)
        return rules

    def _take_page(self, target: Target, answer: Fetched) -> None:
        if len(answer.body) > MOST_PAGE_BYTES:
            raise NotFetched(gettext_noop("It is larger than %(most)s KiB."), most=MOST_PAGE_BYTES // 1024)
        if answer.body.count(b"<") > MOST_TAGS:
            raise NotFetched(gettext_noop("It has more than %(most)s tags."), most=MOST_TAGS)
        charset = answer.headers.get("content-type", "").partition("charset=")[2].strip(" \"'")[:40]
        try:
            items, targets = finds.everything(Page(answer.url, answer.body, charset), self._asked, target)
        except (ParserRejectedMarkup, RecursionError, MemoryError) as error:
            raise NotFetched(gettext_noop("The page is built in a way that cannot be read.")) from error
        empty = NotFetched(finds.NO_LABEL) if self._asked.take == "texts" and not items else None
        with self.journal.step():
            self.journal.done(target, answer.url, empty)
            self.journal.add((found, robots.origin_of(found.url)) for found in targets)
            for item in items:
                self.journal.keep(Kept(fetched_at=_now(), **item))

    def _take_picture(self, target: Target, answer: Fetched) -> None:
        ending = next((ending for start, ending in PICTURES.items() if answer.body.startswith(start)), "")
        if not ending or self._asked.take != "images":
            sentence = gettext_noop("It is neither a page nor a picture (%(type)s).")
            raise NotFetched(sentence, type=answer.content_type[:60])
        label = target.label or finds.label_of_path(self._asked, target.url)
        if not label:
            raise NotFetched(finds.NO_LABEL)
        name = f"{target.id:06}{ending}"
        (self._files / name).write_bytes(answer.body)
        licence = target.licence or UNKNOWN_LICENCE
        with self.journal.step():
            self.journal.done(target, answer.url)
            self.journal.keep(Kept(label, len(answer.body), target.url, licence, _now(), file=name))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
