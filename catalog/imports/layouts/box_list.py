"""A list beside the pictures with a row for each box: filename, class, xmin, ymin, xmax, ymax (or x, y, width, height).

A row without numbers says that its picture shows nothing.
"""

from collections import defaultdict
from functools import partial
from typing import Any

from catalog.imports.bundle import Bundle, Entry
from catalog.imports.layouts import files, labelled
from catalog.imports.options import Options
from catalog.imports.plan import ROW, Box, Candidate, Plan, class_order, listed
from catalog.imports.tables import values
from catalog.imports.tables.columns import decimal_of
from catalog.imports.tables.table import Table, is_missing
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"), ("x1", "y1", "x2", "y2"))
SIZES = (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("bbox_x", "bbox_y", "bbox_width", "bbox_height"))


def box_columns(table: Table) -> tuple[list[str], bool]:
    """(the four columns of boxes, whether they are two corners); ([], False) when there are none."""
    by_word = {name.casefold().strip(): name for name in table.names}
    for names in (*CORNERS, *SIZES):
        if all(name in by_word for name in names):
            return [by_word[name] for name in names], names in CORNERS
    return [], False


class BoxRows:
    """The rows of such a list, as a plan."""

    def __init__(self, bundle: Bundle, source: Entry, table: Table, file_column: str, options: Options):
        self._bundle, self._source, self._table, self._file_column = bundle, source, table, file_column
        self._columns, self._corners = box_columns(table)
        self._decimal = decimal_of(table, options.decimal)
        rest = [name for name in table.names if name not in (*self._columns, *self._size_columns(), "split")]
        self._label = labelled.column(Table(rest, [], []), file_column, options)
        labels = [values.text(value) for value in table.column(self._label)]
        self._classes = class_order(label for label in labels if label)
        self._skipped: list[dict[str, Any]] = list(table.skipped)
        if not self._classes:
            raise Refused(gettext_noop("The list gives no box a class: there is nothing to learn."))

    def plan(self, layout: str, pictures: list[Entry], names: files.PictureNames) -> Plan:
        candidates = self._candidates(names)
        self._skipped += labelled.unnamed(pictures, {candidate.name for candidate in candidates})
        return Plan(
            layout,
            "object-detection",
            candidates,
            self._classes,
            gettext_noop("'%(list)s' has a row for each box: its picture is in '%(file)s', its class in '%(label)s'."),
            {"list": self._source.name, "file": self._file_column, "label": self._label},
            skipped=self._skipped,
            detected=self._table.detected | {"file_column": self._file_column, "label_column": self._label},
        )

    def _candidates(self, names: files.PictureNames) -> list[Candidate]:
        boxes: dict[str, list[Box]] = defaultdict(list)
        first: dict[str, tuple[Entry, str, dict[str, Any]]] = {}
        splits = labelled.splits(self._table)
        for row_name, values_of_row, split in zip(self._table.row_names, self._table.rows, splits, strict=True):
            row = dict(zip(self._table.names, values_of_row, strict=True))
            name = str(row[self._file_column] or "")
            entry = names.find(name, self._source.parts[:-1])
            try:
                if entry is None:
                    raise Unreadable(gettext_noop("The list names this picture, but it is not there."))
                first.setdefault(entry.name, (entry, split, row))
                boxes[entry.name] += self._boxes(row, f"{name}, {row_name}")
            except Unreadable as error:
                self._skipped.append(listed(f"{name}, {row_name}", error, ROW))
        return [self._candidate(*told, tuple(boxes[name])) for name, told in first.items()]

    def _boxes(self, row: dict[str, Any], shown: str) -> list[Box]:
        """The box of a row; none when it says that there is none."""
        given = [row[name] for name in self._columns]
        if all(is_missing(value) for value in given):
            return []
        numbers = [number for value in given if (number := values.number(value, self._decimal)) is not None]
        label = values.text(row[self._label])
        if len(numbers) < 4 or not label:
            raise Unreadable(gettext_noop("A box needs four numbers and a class."))
        left, top, right, bottom = numbers
        size = (right - left, bottom - top) if self._corners else (right, bottom)
        return [Box(left, top, *size, self._classes.index(label), shown)]

    def _candidate(self, entry: Entry, split: str, row: dict[str, Any], boxes: tuple[Box, ...]) -> Candidate:
        return Candidate(
            entry.name,
            split=split or files.split_in_path(entry.parts[:-1]),
            read=partial(self._bundle.read, entry),
            position=entry.position,
            boxes=boxes,
            size=self._size(row),
        )

    def _size_columns(self) -> list[str]:
        """Of the picture's own size, where width and height are not those of boxes."""
        return [name for name in self._table.names if name.casefold() in ("width", "height") and self._corners]

    def _size(self, row: dict[str, Any]) -> tuple[int, int] | None:
        told = {name.casefold(): values.number(row[name], self._decimal) for name in self._size_columns()}
        width, height = told.get("width"), told.get("height")
        return (int(width), int(height)) if width and height else None
