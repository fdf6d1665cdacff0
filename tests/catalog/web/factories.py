"""A small site with sections, and crawls over it."""

from pathlib import Path

from catalog.web import asked
from catalog.web.crawl import Crawl
from catalog.web.guard import Guard
from catalog.web.journal import Journal
from tests.catalog.factories import picture
from tests.catalog.web.sites import Page, Site

SECTIONS = ("apples", "pears", "plums")
ROBOTS = "User-agent: *\nDisallow: /private/\n"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
EVERY_S = 0.01


def sections(each: int = 4) -> dict[str, Page]:
    """/ leads to three sections with `each` pictures, and to a forbidden one. Plums say nothing of their licence."""
    links = "".join(f'<a href="/{name}/">{name}</a>' for name in SECTIONS)
    pages: dict[str, Page] = {"/robots.txt": ROBOTS, "/": f'<h1>Fruit</h1>{links}<a href="/private/">not this</a>'}
    pages["/private/"] = '<img src="/private/1.png">'
    for index, name in enumerate(SECTIONS):
        licence = "" if name == "plums" else f'<link rel="license" href="{LICENCE}">'
        shown = "".join(f'<img src="{number}.png">' for number in range(each))
        words = f"<p>All about {name} and nothing else.</p>"
        pages[f"/{name}/"] = f'{licence}<h1>Our {name}</h1>{words}{shown}<a href="/">home</a><a href="/private/">no</a>'
        pages |= {f"/{name}/{number}.png": picture(seed=100 * index + number) for number in range(each)}
    return pages


def crawl(site: Site, directory: Path, **body) -> Crawl:
    """As often as the site is asked in life it would take minutes: the rate is lifted here only."""
    start, skip = body.pop("start", [f"{site.url}/"]), body.pop("skip", None)
    found = asked.crawl({"start": start, **body}, [site.host])
    return Crawl(quick(found), directory, Guard([site.host]), skip)


def quick(found: asked.Asked) -> asked.Asked:
    return asked.from_json(found.to_json() | {"rate": 1 / EVERY_S})


def reasons(journal: Journal) -> dict[str, str]:
    """reason → one of its addresses"""
    return {row["sentence"] % row["params"]: row["url"] for row in journal.refusals(100)}
