"""The child that fetches, as `recipes.sandbox.outside.run` starts it: with limits and without secrets, with network.

A crawl works in slices, so that other imports get their turn; one slice goes on where the one before it ended.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from catalog.web import asked
from catalog.web.addresses import NotFetched
from catalog.web.bucket_asked import AskedBucket, Keys
from catalog.web.crawl import HTML, Crawl
from catalog.web.fetched_plan import ITEMS
from catalog.web.guard import Guard
from catalog.web.one_file import OneFile, refuse_status
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused, Reporter

MOST_FILE_BYTES = 4 * 2**30
LONGEST_FILE_S = 3600
MOST_REFUSALS = 100


def fetch_items(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """request: directory, asked (`Asked.to_json`), hosts, agent, seconds.

    Returns {"over": False} when there is more to do, else {"over": True, "summary": …}. Raises Refused.
    """
    crawl = Crawl(asked.from_json(request["asked"]), Path(request["directory"]), _guard(request), request.get("skip"))
    try:
        if not crawl.go(request["seconds"], reporter.progress, reporter.at):
            return {"over": False}
        summary: dict[str, Any] = crawl.journal.counts() | {"ended": crawl.journal.fact("ended")}
        summary["refusals"] = crawl.journal.refusals(MOST_REFUSALS)
        if not summary["items"]:
            raise _nothing(summary)
        _write_list(crawl, Path(request["directory"]))
        return {"over": True, "summary": summary}
    finally:
        crawl.journal.close()


def fetch_file(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """request: url, directory, hosts, agent. Returns {"over": True, "summary": {"file", "bytes"}}. Raises Refused."""
    wanted = OneFile(_guard(request), request["url"], Path(request["directory"]), MOST_FILE_BYTES, LONGEST_FILE_S)
    try:
        answer = wanted.fetch(reporter.progress)
        refuse_status(answer)
    except NotFetched as refused:
        raise Refused(refused.sentence, **refused.params) from refused
    if answer.content_type in HTML:
        sentence = gettext_noop("The address leads to a web page, not to a file. Crawl it instead.")
        raise Refused(sentence)
    return {"over": True, "summary": {"file": _name(answer.url), "bytes": wanted.bytes}}


def fetch_bucket(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """request: directory, asked (`AskedBucket.to_json`), keys, hosts, agent, seconds.

    Returns {"over": False} when there is more to do, else {"over": True, "summary": {"objects", "object_bytes"}} with
    "file", its name, when it is only one. Raises Refused.
    """
    from catalog.web.bucket import Bucket  # the library behind it is optional
    from catalog.web.bucket_copy import Copy

    wanted = AskedBucket(**request["asked"])
    try:
        copy = Copy(Bucket(wanted, Keys(**request["keys"]), _guard(request)), wanted, Path(request["directory"]))
        if not copy.go(request["seconds"], reporter.progress):
            return {"over": False}
        return {"over": True, "summary": copy.summary()}
    except NotFetched as refused:
        raise Refused(refused.sentence, **refused.params) from refused


def _guard(request: dict[str, Any]) -> Guard:
    return Guard(request["hosts"], request["agent"])


def _nothing(summary: dict[str, Any]) -> Refused:
    if not summary["refusals"]:
        return Refused(gettext_noop("Nothing was found that could be kept. Look at what to take, and at the depth."))
    first = summary["refusals"][0]
    sentence = gettext_noop("Nothing was kept. %(url)s: %(why)s")
    return Refused(sentence, url=first["url"], why=first["sentence"] % first["params"])


def _write_list(crawl: Crawl, directory: Path) -> None:
    """What `fetched_plan.py` reads: each item with its label and where it comes from."""
    with open(directory / ITEMS, "w", encoding="utf-8") as file:
        for item in crawl.journal.items():
            file.write(json.dumps(asdict(item), ensure_ascii=False) + "\n")


def _name(url: str) -> str:
    return unquote(httpx.URL(url).path).rpartition("/")[2][:240] or "download"
