"""Class folders: what the paths of an archive say about splits and classes.

cat/1.jpg  dog/2.jpg                          classes; splits are made
train/cat/1.jpg  test/dog/2.jpg               splits on top
pictures/cat/1.jpg  pictures/dog/2.jpg        one folder around everything is looked through
"""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.imports.archive import Entry
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}


@dataclass(frozen=True)
class Found:
    """A file that belongs to a class, and to a split when the archive says so."""

    entry: Entry
    label: str
    split: str = ""


@dataclass(frozen=True)
class Layout:
    found: list[Found]
    outside: list[Entry]
    """files that lie in no class folder"""
    ignored: int
    """files that operating systems leave behind"""
    classes: list[str]


def sort_out(files: Iterable[Entry], folders: Iterable[tuple[str, ...]]) -> Layout:
    """Raises Refused when the folders are no class folders."""
    files = list(files)
    kept = [entry for entry in files if not _is_system_file(entry.parts)]
    folders = [parts for parts in folders if not _is_system_file(parts)]
    around = _around(kept)
    given = _splits_are_given([entry.parts[around:] for entry in kept])
    depth = around + (2 if given else 1)
    found, outside = [], []
    for entry in kept:
        if len(entry.parts) <= depth:
            outside.append(entry)
        else:
            split = SPLIT_NAMES[entry.parts[around].casefold()] if given else ""
            found.append(Found(entry, entry.parts[depth - 1], split))
    empty = {parts[depth - 1] for parts in folders if len(parts) >= depth}
    classes = sorted({item.label for item in found} | empty)
    _refuse_too_few(classes)
    return Layout(found, outside, len(files) - len(kept), classes)


def _around(files: list[Entry]) -> int:
    """How many folders are wrapped around everything else: each is the only one of its level and holds no file."""
    depth = 0
    while True:
        level = {entry.parts[depth] for entry in files if len(entry.parts) > depth + 2}
        if len(level) != 1 or any(entry.parts[depth] not in level for entry in files if len(entry.parts) > depth):
            return depth
        if min(len(entry.parts) for entry in files) <= depth + 2 or level & SPLIT_NAMES.keys():
            return depth
        depth += 1


def _splits_are_given(paths: list[tuple[str, ...]]) -> bool:
    tops = {parts[0] for parts in paths if len(parts) > 1}
    names = {top for top in tops if top.casefold() in SPLIT_NAMES}
    deep = {parts[0] for parts in paths if len(parts) > 2}
    if not names & deep:
        return False
    if names != tops:
        sentence = gettext_noop(
            "Folders for splits (%(splits)s) and other folders (%(others)s) lie side by side. Keep one kind on top."
        )
        raise Refused(sentence, splits=", ".join(sorted(names)), others=", ".join(sorted(tops - names)[:5]))
    return True


def _refuse_too_few(classes: list[str]) -> None:
    if not classes:
        sentence = gettext_noop(
            "No class folders. Put the pictures of each class into its own folder, and zip the folders."
        )
        raise Refused(sentence)
    if len(classes) == 1:
        sentence = gettext_noop("Only one class folder ('%(label)s'). A classification needs at least two.")
        raise Refused(sentence, label=classes[0])


def _is_system_file(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part.casefold() in SYSTEM_FILES for part in parts)
