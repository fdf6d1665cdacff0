"""An import, in a child process: read every picture, keep the readable ones, list the others, make the version."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from catalog.imports import class_folders, schema
from catalog.imports.archive import Archive
from catalog.imports.builtin import BUILTINS
from catalog.imports.splitting import split_by_content
from contract.problems import gettext_noop
from recipes import images
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused, Reporter
from recipes.version import Item, VersionWriter

SPACE_LEFT_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Candidate:
    """A file that might become an item; `read` gives its bytes."""

    name: str
    label: str
    split: str
    read: Callable[[], bytes]


def import_dataset(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: `builtin`, or `archive` (a zip of class folders); parent; skip.

    Returns {"hash", "schema", "splits", "items", "bytes"}. Raises Refused with what the user can do about it.
    """
    with VersionWriter(Path(request["parent"])) as writer:
        if "builtin" in request:
            return _import(writer, _builtin(request["builtin"]), [], [], 0, reporter)
        with Archive(Path(request["archive"])) as archive:
            _refuse_without_space(Path(request["parent"]), archive.unpacked_bytes)
            layout = class_folders.sort_out(archive.files, archive.folders)
            candidates = [_candidate(archive, found, request.get("skip", {})) for found in layout.found]
            sentence = gettext_noop("The file lies in no class folder.")
            outside = [_listed(entry.name, Unreadable(sentence)) for entry in layout.outside]
            return _import(writer, candidates, layout.classes, outside, layout.ignored, reporter)


def _import(
    writer: VersionWriter,
    candidates: list[Candidate],
    classes: list[str],
    unreadable: list[dict],
    ignored: int,
    reporter: Reporter,
) -> dict[str, Any]:
    classes = classes or sorted({candidate.label for candidate in candidates})
    items, formats = [], Counter()
    for number, candidate in enumerate(candidates):
        reporter.at(candidate.name)
        try:
            item, kind = _item(writer, candidate, classes.index(candidate.label))
            items.append(item)
            formats[kind] += 1
        except Unreadable as error:
            unreadable.append(_listed(candidate.name, error))
        reporter.progress((number + 1) / len(candidates))
    _refuse_empty_classes(classes, items, unreadable)
    items, rule = _with_splits(items)
    _refuse_untrained_classes(classes, items)
    head = {"task": "image-classification", "kind": "image", "classes": classes, "split_rule": rule}
    path = writer.finish(head, items, unreadable)
    facts = schema.describe(head, items, formats, unreadable, ignored)
    return {"hash": path.name, "items": len(items), "bytes": sum(item.bytes for item in items), **facts}


def _item(writer: VersionWriter, candidate: Candidate, label: int) -> tuple[Item, str]:
    data = candidate.read()
    kind, image = images.read(data)
    stored = writer.store(data, images.SUFFIXES[kind])
    item = Item(
        file=stored.file,
        sha256=stored.sha256,
        bytes=stored.bytes,
        split=candidate.split,
        name=candidate.name,
        width=image.width,
        height=image.height,
        channels=len(image.getbands()),
        target={"label": label},
    )
    return item, kind


def _builtin(name: str) -> list[Candidate]:
    pictures: Iterable[tuple[str, bytes]] = BUILTINS[name]()
    return [
        Candidate(f"{label}/{number:05}.png", label, "", partial(bytes, data))
        for number, (label, data) in enumerate(pictures)
    ]


def _candidate(archive: Archive, found: class_folders.Found, skip: dict[str, str]) -> Candidate:
    name = found.entry.name

    def read() -> bytes:
        if name in skip:
            raise Unreadable(skip[name])
        return archive.read(found.entry)

    return Candidate(name, found.label, found.split, read)


def _listed(name: str, error: Unreadable) -> dict[str, Any]:
    return {"name": name, "reason": error.sentence, "params": error.params}


def _with_splits(items: list[Item]) -> tuple[list[Item], str]:
    """The items with a split each, and how it came about: given, made, or given and completed from train."""
    given = {item.split for item in items}
    if given == {""}:
        splits = _split(items, test=True)
        return [replace(item, split=split) for item, split in zip(items, splits, strict=True)], "made"
    if {"validation", "test"} <= given:
        return items, "given"
    train = [item for item in items if item.split == "train"]
    rest = [item for item in items if item.split != "train"]
    names = _split(train, test=False)
    if "test" not in given:
        names = ["test" if name == "validation" else name for name in names]
    if given == {"train"}:
        names = _split(train, test=True)
    return rest + [replace(item, split=name) for item, name in zip(train, names, strict=True)], "completed"


def _split(items: list[Item], *, test: bool) -> list[str]:
    return split_by_content([item.sha256 for item in items], [item.target["label"] for item in items], test=test)


def _refuse_empty_classes(classes: list[str], items: list[Item], unreadable: list[dict]) -> None:
    filled = {item.target["label"] for item in items}
    empty = [name for index, name in enumerate(classes) if index not in filled]
    if not empty:
        return
    if not items and unreadable:
        sentence = gettext_noop("None of the files can be read. The first is '%(name)s': %(reason)s")
        first = unreadable[0]
        raise Refused(sentence, name=first["name"], reason=first["reason"] % first["params"])
    sentence = gettext_noop("The class folder '%(label)s' has no picture that can be read. Fill it or leave it out.")
    raise Refused(sentence, label=empty[0])


def _refuse_untrained_classes(classes: list[str], items: list[Item]) -> None:
    trained = {item.target["label"] for item in items if item.split == "train"}
    for index, name in enumerate(classes):
        if index not in trained:
            raise Refused(gettext_noop("The class '%(label)s' has no picture in the train folder."), label=name)


def _refuse_without_space(parent: Path, needed: int) -> None:
    free = shutil.disk_usage(parent).free
    if free < needed + SPACE_LEFT_BYTES:
        sentence = gettext_noop("The archive needs %(needed)s MiB and %(free)s MiB are free. Make room and try again.")
        raise Refused(sentence, needed=-(-needed // 2**20), free=free // 2**20)
