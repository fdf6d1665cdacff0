"""Class folders: what the paths of an archive say about splits and classes.

cat/1.jpg  dog/2.jpg                          classes; splits are made
train/cat/1.jpg  test/dog/2.jpg               splits on top
pictures/cat/1.jpg  pictures/dog/2.jpg        one folder around all others is looked through
pictures/readme.txt                           a file in no class folder is left out and listed
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from catalog.imports.bundle import Bundle, Entry
from catalog.imports.layouts.files import SPLIT_NAMES, is_system_file
from catalog.imports.options import Options
from catalog.imports.plan import Candidate, Plan, listed
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused


class ClassFolders:
    name = "class-folders"

    def plan(self, bundle: Bundle, options: Options) -> Plan:
        """The layout of last resort: it refuses what it does not fit."""
        sorted_out = sort_out(bundle.files, bundle.folders)
        sentence = gettext_noop("The file lies in no class folder.")
        return Plan(
            self.name,
            "image-classification",
            [
                Candidate(
                    found.entry.name,
                    {"label": sorted_out.classes.index(found.label)},
                    found.split,
                    read=partial(bundle.read, found.entry),
                    position=found.entry.position,
                )
                for found in sorted_out.found
            ],
            sorted_out.classes,
            gettext_noop("The pictures lie in %(count)s folders: each folder is a class."),
            {"count": len(sorted_out.classes)},
            skipped=[listed(entry.name, Unreadable(sentence)) for entry in sorted_out.outside],
            ignored=sorted_out.ignored,
        )


@dataclass(frozen=True)
class Found:
    """A file that belongs to a class, and to a split when the archive says so."""

    entry: Entry
    label: str
    split: str = ""


@dataclass(frozen=True)
class SortedOut:
    found: list[Found]
    outside: list[Entry]
    """files that lie in no class folder"""
    ignored: int
    """files that operating systems leave behind"""
    classes: list[str]


def sort_out(files: Iterable[Entry], folders: Iterable[tuple[str, ...]]) -> SortedOut:
    """Raises Refused when the folders are no class folders."""
    files = list(files)
    kept = [entry for entry in files if not is_system_file(entry.parts)]
    folders = [parts for parts in folders if not is_system_file(parts)]
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
    return SortedOut(found, outside, len(files) - len(kept), classes)


def _around(files: list[Entry]) -> int:
    """How many folders are wrapped around all others, each the only one of its level, down to where there are several,
    or splits. Where there never are, a folder with a file of its own is a class and no wrapper.
    """
    depth, first_with_files = 0, None
    while True:
        level = {entry.parts[depth] for entry in files if len(entry.parts) > depth + 1}
        if len(level) > 1 or any(name.casefold() in SPLIT_NAMES for name in level):
            return depth
        if first_with_files is None and any(len(entry.parts) == depth + 2 for entry in files):
            first_with_files = depth
        if not any(len(entry.parts) > depth + 2 for entry in files):
            return depth if first_with_files is None else first_with_files
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
            "No class folders. Put the pictures or texts of each class into its own folder and zip the folders, or "
            "add a list, annotations or a table: COCO, YOLO, Pascal VOC, JSON, CSV, JSONL, Parquet."
        )
        raise Refused(sentence)
    if len(classes) == 1:
        sentence = gettext_noop("Only one class folder ('%(label)s'). A classification needs at least two.")
        raise Refused(sentence, label=classes[0])
