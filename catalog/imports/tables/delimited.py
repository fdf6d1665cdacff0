"""CSV, TSV and their relatives. Delimiter and header are found out; a row of another length, or one of empty fields, is
left out and listed. Blank lines are passed over, but count where rows are numbered.
"""

import csv
import io
import re
from collections import Counter
from typing import Any

from catalog.imports.options import DELIMITERS, Options
from catalog.imports.plan import ROW, listed
from catalog.imports.tables.encoding import decoded
from catalog.imports.tables.table import Table, own_names
from catalog.imports.tables.values import is_number_text
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

LOOKED_AT = 200
"""rows that decide"""
SEPARATOR_LINE = re.compile(r"\"?sep=(?P<delimiter>[,;\t|])\"?\r?\n", re.IGNORECASE)
"""with which Excel says what it cuts at"""
MOST_COLUMNS = 5000
MOST_FIELD_CHARACTERS = 1_000_000


def read_delimited(data: bytes, options: Options) -> Table:
    """Raises Refused when it is no table."""
    text, encoding = decoded(data, options.encoding)
    told = SEPARATOR_LINE.match(text)
    text = text[told.end() :] if told else text
    delimiter = DELIMITERS[options.delimiter] if options.delimiter else told["delimiter"] if told else _delimiter(text)
    csv.field_size_limit(MOST_FIELD_CHARACTERS)
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Refused(gettext_noop("The table cannot be read (%(detail)s)."), detail=str(error)[:120]) from error
    rows = [row for row in records if any(row)]
    if not rows:
        raise Refused(gettext_noop("The table has no rows."))
    if len(rows[0]) > MOST_COLUMNS:
        raise Refused(gettext_noop("The table has more than %(most)s columns."), most=MOST_COLUMNS)
    header = _has_header(rows)
    names = own_names(rows[0] if header else [""] * _usual_length(rows))
    if header and len(rows) == 1:
        raise Refused(gettext_noop("The table has names of columns, and no rows below them."))
    table = Table(names, [], [], _facts(encoding, delimiter, header))
    below = records[records.index(rows[0]) + 1 :] if header else records
    for number, row in enumerate(below, 1):
        if row:
            _take(table, number, row)
    return table


def _take(table: Table, number: int, row: list[Any]) -> None:
    width = len(table.names)
    if not any(cell.strip() for cell in row):
        table.skipped.append(listed(f"row {number}", Unreadable(gettext_noop("The row is empty.")), ROW))
        return
    while len(row) > width and not row[-1].strip():
        row.pop()
    if len(row) == width:
        table.rows.append(row)
        table.row_names.append(f"row {number}")
        return
    sentence = gettext_noop("Number of fields in the row: %(fields)s; columns of the table: %(columns)s.")
    table.skipped.append(listed(f"row {number}", Unreadable(sentence, fields=len(row), columns=width), ROW))


def _delimiter(text: str) -> str:
    """The character that cuts most of the first rows into the same number of fields, more than one."""
    head = text[:SAMPLE_CHARACTERS]

    def agreement(delimiter: str) -> tuple[float, int]:
        rows = _some_rows(head, delimiter)
        width, count = Counter(len(row) for row in rows).most_common(1)[0] if rows else (1, 0)
        return (count / len(rows) if width > 1 else 0.0), width

    return max(DELIMITERS.values(), key=agreement)


SAMPLE_CHARACTERS = 200_000


def _some_rows(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(row):
                rows.append(row)
            if len(rows) >= LOOKED_AT:
                return rows
    except csv.Error:
        return rows
    return rows[:-1] if len(text) == SAMPLE_CHARACTERS else rows


def _has_header(rows: list[list[str]]) -> bool:
    """A first row with a number in it is data; so is one whose words come again below."""
    first = [cell.strip() for cell in rows[0]]
    return not any(is_number_text(cell) for cell in first) and any(first)


def _usual_length(rows: list[list[str]]) -> int:
    return Counter(len(row) for row in rows[:LOOKED_AT]).most_common(1)[0][0]


def _facts(encoding: str, delimiter: str, header: bool) -> dict[str, Any]:
    name = next(name for name, character in DELIMITERS.items() if character == delimiter)
    return {"encoding": encoding, "delimiter": name, "header": header}
