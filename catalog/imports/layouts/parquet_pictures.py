"""Pictures inside Parquet files, as Hugging Face writes them: a column of {"bytes", "path"}, or of bytes.

Labels may be numbers whose names stand in the file's own description (`ClassLabel`).
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from catalog.imports.bundle import DAMAGED as DAMAGED_BYTES
from catalog.imports.bundle import Bundle, Entry
from catalog.imports.layouts import files, labelled
from catalog.imports.options import Options
from catalog.imports.plan import ROW, Candidate, Plan, class_order, listed
from catalog.imports.tables import structured, values
from catalog.imports.tables.table import Table
from contract.problems import gettext_noop
from recipes.images import MAX_BYTES, Unreadable
from recipes.sandbox.inside import Refused

ROWS_AT_ONCE = 16
DAMAGED = gettext_noop("The Parquet file is damaged (%(detail)s).")
STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")


class ParquetPictures:
    name = "parquet-pictures"

    def plan(self, bundle: Bundle, options: Options) -> Plan | None:
        entries = sorted(files.kept(bundle), key=lambda entry: entry.position)
        if not entries or not all(_is_parquet(bundle, entry) for entry in entries):
            return None
        found = [(entry, _Rows(bundle, entry)) for entry in entries]
        if not all(rows.column for _entry, rows in found):
            return None
        reading = _Reading(options, found[0][1])
        for entry, rows in found:
            reading.read(entry, rows, several=len(found) > 1)
        return reading.plan(self.name)


class _Rows:
    """A Parquet file whose pictures are read a few rows at a time, in their order."""

    def __init__(self, bundle: Bundle, entry: Entry):
        parquet, self._damaged = structured.parquet()
        try:
            self._file = parquet.ParquetFile(bundle.open(entry), pre_buffer=False)
            self.column = _picture_column(self._file)
        except self._damaged as error:
            raise Refused(DAMAGED, detail=str(error)[:120]) from error
        self._batches: Any = None
        self._pictures: list[Any] = []
        self._first = self._next = 0

    def table(self) -> Table:
        """Everything but the pictures, and the paths that they had."""
        names = [name for name in self._file.schema_arrow.names if name != self.column]
        try:
            content = self._file.read(columns=names, use_threads=False)
            columns = [column.to_pylist() for column in content.columns]
        except self._damaged as error:
            raise Refused(DAMAGED, detail=str(error)[:120]) from error
        rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
        return Table(names, rows, [f"row {number}" for number in range(1, len(rows) + 1)], {"format": "parquet"})

    def names_of(self, column: str) -> list[str]:
        """Names of the classes that the numbers in `column` stand for; [] when the file says nothing of them."""
        told = (self._file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
        try:
            feature = json.loads(told)["info"]["features"][column]
            return [str(name) for name in feature["names"]] if feature["_type"] == "ClassLabel" else []
        except (ValueError, KeyError, TypeError):
            return []

    def picture(self, row: int) -> bytes:
        """Rows are asked for in their order. Raises Unreadable."""
        if row < self._first or self._batches is None:
            columns = [self.column]
            self._batches = self._file.iter_batches(ROWS_AT_ONCE, columns=columns, use_threads=False)
            self._pictures, self._first, self._next = [], 0, 0
        try:
            while row >= self._next:
                self._pictures = next(self._batches).column(0)
                self._first, self._next = self._next, self._next + len(self._pictures)
            value = self._pictures[row - self._first].as_py()
        except StopIteration as error:
            raise Unreadable(DAMAGED, detail="it ends too early") from error
        except self._damaged as error:
            raise Unreadable(DAMAGED, detail=str(error)[:120]) from error
        data = value.get("bytes") if isinstance(value, dict) else value
        if not data:
            raise Unreadable(gettext_noop("The row holds no picture."))
        if len(data) > MAX_BYTES:
            raise Unreadable(gettext_noop("The file is larger than %(limit)s MiB."), limit=MAX_BYTES // 2**20)
        return data


@dataclass(frozen=True)
class _Row:
    name: str
    labels: list[str]
    split: str
    group: str
    read: Callable[[], bytes]


class _Reading:
    def __init__(self, options: Options, first: _Rows):
        self._options = options
        table = first.table()
        if not table.names:
            raise Refused(gettext_noop("The Parquet file holds pictures and no label for them."))
        self._label = labelled.column(table, first.column, options)
        self._file_column = first.column
        self._names = first.names_of(self._label)
        self._rows: list[_Row] = []
        self._skipped: list[dict[str, Any]] = []
        self._multi = False

    def read(self, entry: Entry, rows: _Rows, several: bool) -> None:
        table = rows.table()
        if self._label not in table.names:
            sentence = gettext_noop("'%(name)s' has no column '%(label)s', as the other files have.")
            raise Refused(sentence, name=entry.name, label=self._label)
        told = table.column(self._label)
        self._multi |= any(isinstance(value, list) for value in told)
        groups = table.column(self._options.group_column) if self._options.group_column in table.names else []
        splits = labelled.splits(table)
        for number, value in enumerate(told):
            name = f"{entry.name}, {table.row_names[number]}" if several else table.row_names[number]
            group = values.text(groups[number]) or "" if groups else ""
            split = splits[number] or files.split_in_path(entry.parts)
            self._rows.append(_Row(name, self._labels(value), split, group, partial(rows.picture, number)))

    def plan(self, layout: str) -> Plan:
        classes = class_order(label for row in self._rows for label in row.labels)
        if self._names:
            classes = [name for name in self._names if name in classes]
        labelled.refuse_too_few(classes, self._label)
        return Plan(
            layout,
            "image-classification",
            [one for place, row in enumerate(self._rows) if (one := self._candidate(place, classes, row))],
            classes,
            gettext_noop("The column '%(file)s' holds pictures and '%(label)s' their labels."),
            {"file": self._file_column, "label": self._label},
            skipped=self._skipped,
            multi=self._multi,
            detected={"format": "parquet", "file_column": self._file_column, "label_column": self._label},
        )

    def _candidate(self, place: int, classes: list[str], row: "_Row") -> Candidate | None:
        if not row.labels and not self._multi:
            self._skipped.append(listed(row.name, Unreadable(gettext_noop("The row has no label.")), ROW))
            return None
        numbers = sorted({classes.index(label) for label in row.labels})
        target: dict[str, Any] = {"labels": numbers} if self._multi else {"label": numbers[0]}
        return Candidate(row.name, target, row.split, row.group, row.read, place)

    def _labels(self, value: Any) -> list[str]:
        found = labelled.labels(value)
        return [self._named(label) for label in found if self._named(label)]

    def _named(self, label: str) -> str:
        """The name of a numbered class; "" for a number that stands for none (Hugging Face writes -1)."""
        if not self._names or not re.fullmatch("-?[0-9]+", label):
            return label
        return self._names[int(label)] if 0 <= int(label) < len(self._names) else ""


def _is_parquet(bundle: Bundle, entry: Entry) -> bool:
    if files.suffix(entry) not in (".parquet", ""):
        return False
    try:
        with bundle.open(entry) as file:
            return file.read(4) == structured.PARQUET_START
    except DAMAGED_BYTES:
        return False  # whoever reads all of it says what is wrong


def _picture_column(file: Any) -> str:
    """The first column of {"bytes", …}, or of bytes that begin as pictures do; "" for none."""
    for field in file.schema_arrow:
        kind = str(field.type)
        if kind.startswith("struct<") and "bytes: binary" in kind:
            return field.name
        if kind in ("binary", "large_binary") and _begins_as_pictures(file, field.name):
            return field.name
    return ""


def _begins_as_pictures(file: Any, column: str) -> bool:
    first = next(file.iter_batches(ROWS_AT_ONCE, columns=[column], use_threads=False), None)
    there = [value for value in first.column(0).to_pylist() if value] if first is not None else []
    return bool(there) and all(value.startswith(STARTS) for value in there)
