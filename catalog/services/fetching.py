"""Before an import from the web: everything is fetched onto this disk, by a child process, in slices."""

from dataclasses import asdict
from typing import Any

from catalog import enqueue, places
from catalog.children import reason
from catalog.following import follow, server_is_stopping
from catalog.imports.entry_names import MOST_BYTES
from catalog.models import Dataset
from catalog.services import bucket_keys, importing, web_sources
from catalog.services.sources import Source
from catalog.uploaded import forget
from catalog.web.work import MOST_FILE_BYTES
from recipes.sandbox.inside import Refused
from recipes.sandbox.outside import Answer, Limits

SLICE_S = 30
"""then other imports and builds get their turn; the crawl goes on where it was"""
LIMITS = Limits(memory_bytes=2**30, file_bytes=MOST_FILE_BYTES + 2**20, network=True)
BUCKET_LIMITS = Limits(memory_bytes=2**30, file_bytes=MOST_BYTES + 2**20, network=True)


def is_complete(dataset: Dataset) -> bool:
    """Fetch what is missing of the import's source. False: it ended here, or goes on in another slice."""
    source = dataset.asked["source"]
    if "fetched" in source or not web_sources.is_web(source):
        return True
    if not web_sources.is_on():
        importing.fail(dataset, web_sources.OFF, {})
        return False
    try:
        answer = _fetch(dataset, source)
    except Refused as refused:
        importing.fail(dataset, refused.sentence, refused.params)
        return False
    if answer.stopped:
        if server_is_stopping():
            importing.let_go(dataset)
        else:
            forget(places.upload(source["stored"]))  # what the child wrote after the import was stopped
        return False
    if not answer.result:
        importing.fail(dataset, *reason(answer))
        return False
    if not answer.result["over"]:
        importing.let_go(dataset)
        enqueue.import_after_commit(dataset.pk)
        return False
    noted = importing.note_fetched(dataset, answer.result["summary"])
    bucket_keys.forget(places.upload(source["stored"]))
    return noted


def _fetch(dataset: Dataset, source: Source) -> Answer:
    request: dict[str, Any] = {"hosts": sorted(web_sources.hosts()), "agent": web_sources.agent()}
    place, limits = str(places.upload(source["stored"])), LIMITS
    if web_sources.is_bucket(source):
        target, limits = "catalog.web.work:fetch_bucket", BUCKET_LIMITS
        keys = asdict(bucket_keys.kept(places.upload(source["stored"])))
        request |= {"directory": place, "asked": source["s3"], "keys": keys, "seconds": SLICE_S}
    elif web_sources.is_items(source):
        target = "catalog.web.work:fetch_items"
        request |= {"directory": place, "asked": web_sources.asked_of(source), "seconds": SLICE_S}
    else:
        target = "catalog.web.work:fetch_file"
        request |= {"url": source["url"], "directory": place}
    return follow(target, request, lambda part: importing.progress(dataset, part), limits)
