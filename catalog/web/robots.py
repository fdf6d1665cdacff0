"""What a site's robots.txt says to us. One that cannot be read forbids everything; one that is not there, nothing."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import httpx
from protego import Protego

from catalog.web.addresses import NotFetched, host_of, port_of
from contract.problems import gettext_noop

if TYPE_CHECKING:
    from catalog.web.guard import Guard

NAME = "Fleetune"
"""what robots.txt may call us"""
MOST_BYTES = 512 * 2**10
LONGEST_DELAY_S = 120
CLOSED = (401, 403, 429)
"""answers by which a site keeps its rules to itself: it does not want to be asked"""


@dataclass(frozen=True)
class Rules:
    text: str = ""
    closed: str = ""
    """why nothing may be fetched there"""

    @cached_property
    def delay(self) -> float:
        """Seconds that the site asks for between two requests."""
        rate = self._parsed.request_rate(NAME)
        return max(self._parsed.crawl_delay(NAME) or 0.0, rate.seconds / max(rate.requests, 1) if rate else 0.0)

    def check(self, url: str) -> None:
        """Raises NotFetched when `url` may not be fetched."""
        if self.closed:
            raise NotFetched(self.closed)
        if not self._parsed.can_fetch(url, NAME):
            raise NotFetched(gettext_noop("The site's robots.txt forbids it."))
        if self.delay > LONGEST_DELAY_S:
            sentence = gettext_noop("The site's robots.txt asks for more than %(most)s s between two requests.")
            raise NotFetched(sentence, most=LONGEST_DELAY_S)

    @cached_property
    def _parsed(self) -> Protego:
        return Protego.parse(self.text)


def origin_of(url: str) -> str:
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{host_of(parsed)}:{port_of(parsed)}"


def read(origin: str, guard: "Guard") -> Rules:
    try:
        answer = guard.get(f"{origin}/robots.txt", MOST_BYTES)
    except NotFetched:
        return Rules(closed=gettext_noop("The site's robots.txt cannot be read, so nothing is fetched there."))
    if answer.status in CLOSED or answer.status >= 500:
        return Rules(closed=gettext_noop("The site does not show its robots.txt, so nothing is fetched there."))
    return Rules(answer.body.decode("utf-8", "replace") if answer.status == 200 else "")
