"""What a fetch left on disk, as a plan of an import: every item has a label, and keeps where it comes from."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from catalog.imports.plan import Candidate, Plan, class_order
from contract.problems import gettext_noop
from recipes.images import MAX_BYTES, Unreadable
from recipes.sandbox.inside import Refused

ITEMS = "items.jsonl"
TASKS = {"image": "image-classification", "text": "text-classification"}


def fetched_plan(directory: Path) -> Plan:
    """`directory` holds ITEMS and `files/`. Raises Refused when it is no data for a classification."""
    with open(directory / ITEMS, encoding="utf-8") as file:
        items = [json.loads(line) for line in file]
    classes = class_order(item["label"] for item in items)
    if len(classes) < 2:
        sentence = gettext_noop("All that was kept has the label '%(label)s'. A classification needs at least two.")
        raise Refused(sentence, label=classes[0])
    kind = "image" if items[0]["file"] else "text"
    candidates = [_candidate(item, classes, directory / "files") for item in items]
    return Plan("web", TASKS[kind], candidates, classes, gettext_noop("It was fetched from the web with its labels."))


def _candidate(item: dict[str, Any], classes: list[str], files: Path) -> Candidate:
    origin = {"url": item["url"], "licence": item["licence"], "fetched_at": item["fetched_at"]}
    target = {"label": classes.index(item["label"])}
    if not item["file"]:
        return Candidate(item["url"], target, data={"text": item["text"]}, origin=origin)
    return Candidate(item["url"], target, read=partial(_read, files / item["file"]), origin=origin)


def _read(path: Path) -> bytes:
    """Files of our own names; still, nothing larger than what may be opened."""
    if path.stat().st_size > MAX_BYTES:
        raise Unreadable(gettext_noop("The file is larger than %(limit)s MiB."), limit=MAX_BYTES // 2**20)
    return path.read_bytes()
