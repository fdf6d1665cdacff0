"""What a page gives to a crawl: pictures or texts with their labels, and where to go on."""

from collections.abc import Iterator
from typing import Any

from catalog.web import labels
from catalog.web.addresses import NotFetched
from catalog.web.asked import Asked
from catalog.web.journal import Target
from catalog.web.page import Page
from contract.problems import gettext_noop

OUTSIDE = gettext_noop("It lies outside the allowed domains.")
NO_LABEL = gettext_noop("The rule for labels finds none there.")


def everything(page: Page, asked: Asked, target: Target) -> tuple[list[dict[str, Any]], list[Target]]:
    """(texts, pictures and pages to go on to)"""
    if asked.take == "texts":
        return list(texts(page, asked, target.label)), list(links(page, asked, target.depth))
    return [], [*pictures(page, asked, target.depth), *links(page, asked, target.depth)]


def links(page: Page, asked: Asked, depth: int) -> Iterator[Target]:
    """Pages to go on to. Those elsewhere are not even noted: a page has hundreds of them."""
    if asked.follow and depth < asked.depth:
        yield from (Target(url, True, depth + 1) for url in page.links() if asked.inside(url))


def pictures(page: Page, asked: Asked, depth: int) -> Iterator[Target]:
    """Pictures with label and licence, those that cannot be taken with the reason."""
    rule = asked.label
    nearest = page.nearest(rule["selector"]) if rule["by"] == "selector" else None
    for url, element, heading in page.pictures():
        if nearest:
            label = nearest.to(element)
        elif rule["by"] == "section":
            label = heading
        else:
            label = labels.from_path(rule, url if rule["of"] == "image" else page.url)
        reason = OUTSIDE if not asked.inside(url) else "" if label else NO_LABEL
        refused = NotFetched(reason) if reason else None
        yield Target(url, False, depth, label, page.licence(url), refused=refused)


def texts(page: Page, asked: Asked, given: str) -> Iterator[dict[str, Any]]:
    """The main text as one item, or one for each section when headings are the labels. `given` is a list's label."""
    sections = page.sections()
    if given or asked.label["by"] != "section":
        whole = "\n".join(text for _heading, text in sections)
        sections = [(given or _label_of_page(page, asked), whole)] if whole else []
    for number, (label, text) in enumerate(sections, 1):
        if label:
            url = page.url if len(sections) == 1 else f"{page.url}#section-{number}"
            yield {"label": label, "text": text, "bytes": len(text.encode()), "url": url, "licence": page.licence()}


def label_of_path(asked: Asked, url: str) -> str:
    """Of a picture that was linked to like a page, so that nothing but its address says what it is."""
    return labels.from_path(asked.label, url) if asked.label.get("by") == "path" else ""


def _label_of_page(page: Page, asked: Asked) -> str:
    if asked.label["by"] == "selector":
        return page.nearest(asked.label["selector"]).of_page
    return labels.from_path(asked.label, page.url)
