"""JSON lists, JSON lines and Parquet: rows whose values have types already."""

import io
import os
from pathlib import Path
from typing import Any

from catalog.imports.bundle import DAMAGED
from catalog.imports.json_text import parsed
from catalog.imports.options import Options
from catalog.imports.plan import ROW, listed
from catalog.imports.tables.encoding import decoded
from catalog.imports.tables.table import Table, own_names
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

PARQUET_START = b"PAR1"


def read_json_list(data: bytes, options: Options) -> Table:
    text, encoding = decoded(data, options.encoding)
    try:
        content = parsed(text)
    except (ValueError, RecursionError) as error:
        raise Refused(gettext_noop("The file is not JSON (%(detail)s)."), detail=str(error)[:120]) from error
    if not isinstance(content, list):
        raise Refused(gettext_noop('The JSON is no list of rows. Write [{"text": "…", "label": "…"}, …].'))
    return _table([(f"row {number}", row) for number, row in enumerate(content, 1)], {"encoding": encoding})


def read_json_lines(data: bytes, options: Options) -> Table:
    text, encoding = decoded(data, options.encoding)
    rows: list[tuple[str, Any]] = []
    skipped = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append((f"row {number}", parsed(line)))
        except (ValueError, RecursionError) as error:
            sentence = gettext_noop("The line is not JSON (%(detail)s).")
            skipped.append(listed(f"row {number}", Unreadable(sentence, detail=str(error)[:120]), ROW))
    table = _table(rows, {"encoding": encoding})
    table.skipped += skipped
    return table


def parquet() -> tuple[Any, tuple[type[Exception], ...]]:
    """pyarrow's reader of Parquet files, which takes a while to import, and what it raises for a damaged one."""
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the others reserve more address space than the child may have
    import pyarrow
    from pyarrow import parquet as reader

    return reader, (pyarrow.ArrowException, *DAMAGED)


def read_parquet(data: bytes, options: Options) -> Table:
    reader, damaged = parquet()
    try:
        content = reader.ParquetFile(io.BytesIO(data), pre_buffer=False).read(use_threads=False)
        columns = [_plain(column.to_pylist()) for column in content.columns]
    except damaged as error:
        raise Refused(gettext_noop("The Parquet file is damaged (%(detail)s)."), detail=str(error)[:120]) from error
    rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
    names = own_names(content.column_names)
    return Table(names, rows, [f"row {number}" for number in range(1, len(rows) + 1)], {"format": "parquet"})


def kind_of(name: str, start: bytes) -> str:
    """json, jsonl, parquet, csv, or "" for a file that is none of them, by name and first bytes."""
    if start.startswith(PARQUET_START):
        return "parquet"
    suffix = Path(name).suffix.casefold()
    return {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv", ".tab": "csv"}.get(
        suffix, ""
    )


def _table(named_rows: list[tuple[str, Any]], detected: dict[str, Any]) -> Table:
    """The columns are all keys of all rows; a key that a row lacks is missing there."""
    objects = [(name, row) for name, row in named_rows if isinstance(row, dict)]
    sentence = gettext_noop("The row is no JSON object.")
    skipped = [listed(name, Unreadable(sentence), ROW) for name, row in named_rows if not isinstance(row, dict)]
    if not objects:
        raise Refused(gettext_noop("The file holds no rows that are JSON objects."))
    keys = list(dict.fromkeys(key for _, row in objects for key in row))
    rows = [[row.get(key) for key in keys] for _, row in objects]
    return Table(own_names(keys), rows, [name for name, _ in objects], detected, skipped)


def _plain(values: list[Any]) -> list[Any]:
    """Times as text, and bytes not at all."""
    return [
        value.isoformat() if hasattr(value, "isoformat") else None if isinstance(value, bytes) else value
        for value in values
    ]
