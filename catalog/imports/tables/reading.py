"""A table file read by whichever reader it needs, and several of one shape joined."""

from catalog.imports.bundle import Bundle, Entry
from catalog.imports.layouts.files import read, split_in_path
from catalog.imports.options import Options
from catalog.imports.tables.delimited import read_delimited
from catalog.imports.tables.structured import kind_of, read_json_lines, read_json_list, read_parquet
from catalog.imports.tables.table import Table
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

READERS = {"csv": read_delimited, "json": read_json_list, "jsonl": read_json_lines, "parquet": read_parquet}


def table_files(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if kind_of(entry.parts[-1], b"") or entry.parts[-1].endswith(".parquet")]


def read_table(bundle: Bundle, entry: Entry, options: Options) -> Table:
    """Raises Refused, naming the file."""
    data = read(bundle, entry)
    kind = kind_of(entry.parts[-1], data[:4]) or _guess(data)
    return READERS[kind](data, options)


def joined(tables: list[tuple[Entry, Table]]) -> tuple[Table, list[str]]:
    """(one table, the split of each row by its file's name). Raises Refused when their columns differ."""
    first_entry, first = tables[0]
    if len(tables) == 1:
        return first, [""] * len(first.rows)
    whole = Table(first.names, [], [], first.detected)
    splits: list[str] = []
    for entry, table in tables:
        if table.names != first.names:
            sentence = gettext_noop("'%(one)s' and '%(other)s' have different columns. Upload tables of one kind only.")
            raise Refused(sentence, one=first_entry.name, other=entry.name)
        whole.rows += table.rows
        whole.row_names += [f"{entry.name}, {name}" for name in table.row_names]
        whole.skipped += [row | {"name": f"{entry.name}, {row['name']}"} for row in table.skipped]
        splits += [split_in_path(entry.parts)] * len(table.rows)
    return whole, splits


def _guess(data: bytes) -> str:
    """Of a file whose name says nothing."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return {b"[": "json", b"{": "jsonl"}.get(start, "csv")
