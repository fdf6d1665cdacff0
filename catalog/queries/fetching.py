"""How far a fetch from the web is, and what it left out: from its journal while it runs, from the source afterwards."""

from typing import Any

from django.utils.translation import gettext as _

from catalog import places
from catalog.models import Dataset
from catalog.services import web_sources
from catalog.web.journal import FILE, Journal

MOST_SHOWN = 20


def fetching(dataset: Dataset) -> dict[str, Any] | None:
    """Of the import that runs or ran last: pages, items, bytes, refused, waiting, refusals; None: it fetches none."""
    source = dataset.asked.get("source", {})
    if not web_sources.is_web(source) or not web_sources.is_items(source):
        return None
    if "fetched" in source:
        return fetched(source)
    directory = places.upload(source["stored"])
    if not (directory / FILE).is_file():
        return None  # it has not begun; reading makes no file
    journal = Journal(directory)
    try:
        return _in_words(journal.counts() | {"ended": "", "refusals": journal.refusals(MOST_SHOWN)})
    finally:
        journal.close()


def fetched(source: dict[str, Any]) -> dict[str, Any] | None:
    """What a fetch that is over brought, each reason in words."""
    return _in_words(source["fetched"]) if "refusals" in source.get("fetched", {}) else None


def _in_words(told: dict[str, Any]) -> dict[str, Any]:
    refusals = [
        {"why": _(row["sentence"]) % row["params"], "count": row["count"], "url": row["url"]}
        for row in told["refusals"]
    ]
    return told | {"refusals": refusals, "ended": _(told["ended"]) if told["ended"] else ""}
