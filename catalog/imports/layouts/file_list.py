"""A list beside the pictures: [{"image": "image1.jpg", "label": 0}, …], or CSV, JSON lines or Parquet of that kind.

A label that is itself a list gives its picture several labels; columns of boxes make it a list of boxes.
"""

from functools import partial
from typing import Any

from catalog.imports.bundle import Bundle, Entry
from catalog.imports.layouts import files, labelled
from catalog.imports.layouts.box_list import BoxRows, box_columns
from catalog.imports.options import Options
from catalog.imports.plan import ROW, Candidate, Plan, class_order, listed
from catalog.imports.tables import values
from catalog.imports.tables.reading import read_table, table_files
from catalog.imports.tables.table import Table
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

LOOKED_AT = 100


class FileList:
    name = "file-list"

    def plan(self, bundle: Bundle, options: Options) -> Plan | None:
        entries = files.kept(bundle)
        pictures = files.pictures(entries)
        lists = table_files(entries)
        if not pictures or not lists:
            return None
        names = files.PictureNames(pictures)
        for entry in sorted(lists, key=lambda entry: len(entry.parts)):
            table = _table(bundle, entry, options)
            column = _file_column(table, names, entry.parts[:-1]) if table else ""
            if table and column:
                if box_columns(table)[0]:
                    return BoxRows(bundle, entry, table, column, options).plan("box-list", pictures, names)
                return _Reading(bundle, entry, table, column, options).plan(self.name, pictures, names)
        return None


class _Reading:
    def __init__(self, bundle: Bundle, source: Entry, table: Table, column: str, options: Options):
        self._bundle, self._source, self._table, self._column = bundle, source, table, column
        self._label = labelled.column(table, column, options)
        self._labels = [labelled.labels(value) for value in table.column(self._label)]
        self._multi = any(isinstance(value, list) for value in table.column(self._label))
        self._group = options.group_column if options.group_column in table.names else ""
        self._classes = class_order(label for labels in self._labels for label in labels)
        self._skipped: list[dict[str, Any]] = list(table.skipped)

    def plan(self, layout: str, pictures: list[Entry], names: files.PictureNames) -> Plan:
        labelled.refuse_too_few(self._classes, self._label)
        candidates = self._candidates(names)
        self._skipped += labelled.unnamed(pictures, self._named)
        return Plan(
            layout,
            "image-classification",
            candidates,
            self._classes,
            gettext_noop("'%(list)s' names pictures in its column '%(file)s' and their labels in '%(label)s'."),
            {"list": self._source.name, "file": self._column, "label": self._label},
            skipped=self._skipped,
            multi=self._multi,
            detected=self._table.detected | {"file_column": self._column, "label_column": self._label},
        )

    def _candidates(self, names: files.PictureNames) -> list[Candidate]:
        found: dict[str, Candidate] = {}
        self._named: set[str] = set()
        splits = labelled.splits(self._table)
        groups = self._table.column(self._group) if self._group else [""] * len(self._labels)
        rows = zip(self._table.column(self._column), self._labels, splits, groups, strict=True)
        for row_name, (name, labels, split, group) in zip(self._table.row_names, rows, strict=True):
            entry = names.find(str(name or ""), self._source.parts[:-1])
            self._named |= {entry.name} if entry else set()
            problem = self._problem(entry, labels, found)
            if problem:
                self._skipped.append(listed(str(name or row_name), Unreadable(problem), ROW))
            elif entry:
                found[entry.name] = self._candidate(entry, labels, split, values.text(group) or "")
        return list(found.values())

    def _problem(self, entry: Entry | None, labels: list[str], found: dict[str, Candidate]) -> str:
        if entry is None:
            return gettext_noop("The list names this picture, but it is not there.")
        if not labels and not self._multi:
            return gettext_noop("The list gives no label for this picture.")
        return gettext_noop("The list names this picture twice.") if entry.name in found else ""

    def _candidate(self, entry: Entry, labels: list[str], split: str, group: str) -> Candidate:
        numbers = sorted({self._classes.index(label) for label in labels})
        target = {"labels": numbers} if self._multi else {"label": numbers[0]}
        split = split or files.split_in_path(entry.parts[:-1])
        read = partial(self._bundle.read, entry)
        return Candidate(entry.name, target, split, group, read, entry.position)


def _table(bundle: Bundle, entry: Entry, options: Options) -> Table | None:
    """None for a file that is no table: something else that lies beside pictures."""
    try:
        return read_table(bundle, entry, options)
    except Refused:
        return None


def _file_column(table: Table, names: files.PictureNames, folder: tuple[str, ...]) -> str:
    """The column of which most of the first values are names of pictures that are there."""
    best, share = "", 0.5
    for name in table.names:
        looked_at = [value for value in table.column(name)[:LOOKED_AT] if isinstance(value, str) and value.strip()]
        there = sum(names.find(value, folder) is not None for value in looked_at)
        if looked_at and there / len(looked_at) >= share:
            best, share = name, there / len(looked_at)
    return best
