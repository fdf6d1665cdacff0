"""A page of HTML: its links, its pictures, its main text, and under which licence it is."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx
from bs4 import BeautifulSoup
from bs4.element import Tag

from catalog.web import labels
from catalog.web.addresses import LONGEST_URL

UNKNOWN_LICENCE = "unknown"
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
BLOCKS = {"p", "li", "blockquote", "pre", "td", "dd", "figcaption"}
NOT_TEXT = ["script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "svg", "button"]
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")
LICENCE_NAMES = ("license", "licence", "dcterms.license", "dc.license", "dcterms.rights", "dc.rights")
MOST_LINKS = 5000
MOST_MATCHES = 200
DEEPEST = 256
"""how far up a label is looked for"""


class Page:
    def __init__(self, url: str, body: bytes, charset: str = ""):
        self.soup = BeautifulSoup(body, "html.parser", from_encoding=charset or None)
        base = self.soup.find("base", href=True)
        self.url = url
        self._base = _joined(url, str(base["href"])) or url if isinstance(base, Tag) else url
        self._data = list(_json_ld(self.soup))

    def links(self) -> list[str]:
        """Where the page leads, each once, unless it asks not to be followed."""
        robots = self.soup.find("meta", attrs={"name": lambda name: name is not None and name.lower() == "robots"})
        rules = str(robots.get("content", "")).lower() if isinstance(robots, Tag) else ""
        if "nofollow" in rules or "none" in rules:
            return []
        found = {}
        for element in self.soup.find_all("a", href=True):
            if "nofollow" not in element.get_attribute_list("rel"):
                found[_joined(self._base, str(element["href"]))] = True
        return [url for url in islice(found, MOST_LINKS) if url]

    def pictures(self) -> Iterator[tuple[str, Tag, str]]:
        """(address, element, nearest heading above) of every picture that is shown or linked to."""
        for heading, element in self._under_headings(self.soup):
            address = ""
            if element.name == "img":
                address = str(element.get("src") or "")
                if not address or address.startswith("data:"):
                    address = str(element.get("data-src") or "")
            elif element.name == "a" and str(element.get("href", "")).lower().endswith(PICTURE_ENDINGS):
                address = str(element["href"])
            if address and (url := _joined(self._base, address)):
                yield url, element, heading

    def sections(self) -> list[tuple[str, str]]:
        """(heading, text) of the main part of the page, in its order; text before any heading has ""."""
        main = self._main()
        texts: dict[str, list[str]] = {}
        for heading, element in self._under_headings(main):
            inner = element.name not in BLOCKS or element.find_parent(BLOCKS) or element.find_parent(NOT_TEXT)
            if not inner and (text := _line(element)):
                texts.setdefault(heading, []).append(text)
        if not texts and (text := _line(main)):
            texts[""] = [text]
        return [(heading, "\n".join(lines)) for heading, lines in texts.items()]

    def licence(self, picture: str = "") -> str:
        """Of the picture at this address when the page says so, else of the page, else "unknown"."""
        of_picture = [data for data in self._data if picture and picture in _addresses(data, self._base)]
        stated = next((text for text in map(_licence_in, of_picture) if text), "")
        return (stated or self._licence_of_page() or UNKNOWN_LICENCE)[:LONGEST_URL]

    def nearest(self, selector: str) -> "Nearest":
        return Nearest(self.soup.select(selector, limit=MOST_MATCHES))

    def _licence_of_page(self) -> str:
        for element in self.soup.find_all(["link", "a"], rel="license", href=True):
            if url := _joined(self._base, str(element["href"])):
                return url
        for element in self.soup.find_all("meta", content=True):
            if str(element.get("name") or element.get("property") or "").lower() in LICENCE_NAMES:
                return str(element["content"]).strip()
        pages = [data for data in self._data if data.get("@type") != "ImageObject"]
        return next((text for text in map(_licence_in, pages) if text), "")

    def _main(self) -> Tag:
        found = self.soup.select_one("main, article, [role=main]") or self.soup.body
        return found if isinstance(found, Tag) else self.soup

    @staticmethod
    def _under_headings(root: Tag) -> Iterator[tuple[str, Tag]]:
        heading = ""
        for element in root.find_all(True):
            if element.name in HEADINGS:
                heading = labels.cleaned(element.get_text(" "))
            yield heading, element


class Nearest:
    """The label that a selector found: the match that shares the closest ancestor with an element."""

    def __init__(self, matches: list[Tag]):
        self._first = _value(matches[0]) if matches else ""
        self._below: dict[int, Tag] = {}
        for match in matches:
            for ancestor in (match, *islice(match.parents, DEEPEST)):
                self._below.setdefault(id(ancestor), match)

    @property
    def of_page(self) -> str:
        return self._first

    def to(self, element: Tag) -> str:
        for ancestor in (element, *islice(element.parents, DEEPEST)):
            if id(ancestor) in self._below:
                return _value(self._below[id(ancestor)])
        return self._first


def _value(element: Tag) -> str:
    text = element.get_text(" ") or str(element.get("content") or element.get("alt") or element.get("title") or "")
    return labels.cleaned(text)


def _line(element: Tag) -> str:
    pieces = (piece for piece in element.find_all(string=True) if not piece.find_parent(NOT_TEXT))
    return " ".join(" ".join(pieces).split())


def _joined(base: str, address: str) -> str:
    """The absolute address, or "" for what is no address of the web."""
    try:
        url = httpx.URL(base).join(address.strip()).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        return ""
    return str(url) if url.scheme in ("http", "https") and url.host and len(str(url)) <= LONGEST_URL else ""


def _json_ld(soup: BeautifulSoup) -> Iterator[dict[str, Any]]:
    """Every object of the page's linked data, those in lists and graphs too."""
    for script in soup.find_all("script", type="application/ld+json"):
        try:
            waiting = [json.loads(script.get_text())]
        except (ValueError, RecursionError):
            continue
        while waiting:
            data = waiting.pop()
            if isinstance(data, list):
                waiting += data
            elif isinstance(data, dict):
                waiting += [data.get("@graph"), data.get("image")]
                yield data


def _addresses(data: dict[str, Any], base: str) -> list[str]:
    told = [data.get(name) for name in ("contentUrl", "url", "@id")]
    return [_joined(base, address) for address in told if isinstance(address, str)]


def _licence_in(data: dict[str, Any]) -> str:
    told = data.get("license")
    if isinstance(told, list):
        told = next(iter(told), "")
    if isinstance(told, dict):
        told = told.get("@id") or told.get("url") or told.get("name")
    return told.strip() if isinstance(told, str) else ""
