"""Points of a job as JSON, CSV or Parquet, all or those that a chart shows: in pieces, so that memory stays bounded."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import IO, TYPE_CHECKING

import numpy as np

from jobs.metrics import read
from jobs.metrics.points import Points, iso_times, kinds_of, numbers_or_null
from jobs.metrics.read import Wanted

if TYPE_CHECKING:
    import pyarrow

Piece = tuple[int, str, Points]
"""(rank, key, points): some points of one series, in order"""
COLUMNS = ("rank", "key", "step", "time", "value")
ROWS_A_GROUP = 128 * 1024
SLICE = 64 * 1024
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def csv_pieces(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """One row a point. What is not finite is `nan`, `inf` or `-inf`."""
    yield (",".join(COLUMNS) + "\n").encode()
    for rank, key, points in pieces:
        start = f"{rank},{csv_text(key)},"
        rows = zip(points.steps.tolist(), iso_times(points.times), points.values.tolist(), strict=True)
        yield "".join(f"{start}{step},{time},{value!r}\n" for step, time, value in rows).encode()


def csv_text(text: str) -> str:
    """A text cell: never a formula to a spreadsheet, quoted as RFC 4180 wants."""
    if text.startswith(FORMULA_STARTS):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def json_pieces(wanted: Wanted, cursor: int) -> Iterator[bytes]:
    """The answer of `/metrics/` with all points: in memory are the arrays of one series and a slice of its text."""
    yield b'{"series":['
    for index, ((rank, key), total) in enumerate(read.totals(wanted).items()):
        points = read.whole(wanted.job_id, rank, key)
        kinds = kinds_of(points)
        head = {"key": key, "rank": rank, "total_points": total, "not_finite": kinds, "not_finite_total": len(kinds)}
        yield (("," if index else "") + json.dumps(head)[:-1]).encode()
        yield from _json_array("steps", points, lambda part: part.steps.tolist())
        yield from _json_array("values", points, lambda part: numbers_or_null(part)[0])
        yield from _json_array("times", points, lambda part: iso_times(part.times))
        yield b"}"
    yield f'],"cursor":{cursor}}}'.encode()


def _json_array(name: str, points: Points, column: Callable[[Points], list]) -> Iterator[bytes]:
    yield f',"{name}":['.encode()
    for start in range(0, len(points), SLICE):
        part = json.dumps(column(points.take(slice(start, start + SLICE))), separators=(",", ":"))
        yield (("," if start else "") + part[1:-1]).encode()
    yield b"]"


def parquet_pieces(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """A Parquet file: rank int32, key dictionary of strings, step int64, time in ms UTC, value float64."""
    sink = Sink()
    for _ in parquet_groups(pieces, sink):
        yield sink.taken()
    yield sink.taken()


def parquet_groups(pieces: Iterable[Piece], file: "IO[bytes] | io.RawIOBase | Sink") -> Iterator[None]:
    """Write Parquet to `file`, giving way after each row group; the file is whole when the iterator ends."""
    import pyarrow.parquet

    schema = _schema()
    with pyarrow.parquet.ParquetWriter(pyarrow.PythonFile(file, "w"), schema, compression="zstd") as writer:
        for group in _groups(pieces):
            writer.write_table(_table(group, schema))
            yield
    yield


def _groups(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    group: list[Piece] = []
    rows = 0
    for piece in pieces:
        group.append(piece)
        rows += len(piece[2])
        if rows >= ROWS_A_GROUP:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _schema() -> "pyarrow.Schema":
    import pyarrow

    return pyarrow.schema(
        [
            ("rank", pyarrow.int32()),
            ("key", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
            ("step", pyarrow.int64()),
            ("time", pyarrow.timestamp("ms", "UTC")),
            ("value", pyarrow.float64()),
        ]
    )


def _table(group: list[Piece], schema: "pyarrow.Schema") -> "pyarrow.Table":
    import pyarrow

    keys = [key for _rank, key, points in group for key in repeat(key, len(points))]
    columns = [
        np.concatenate([np.full(len(points), rank, np.int32) for rank, _key, points in group]),
        pyarrow.array(keys).dictionary_encode(),
        np.concatenate([points.steps for _rank, _key, points in group]),
        pyarrow.array(np.concatenate([points.times for _rank, _key, points in group])).cast(schema.field("time").type),
        np.concatenate([points.values for _rank, _key, points in group]),
    ]
    return pyarrow.table(columns, schema=schema)


class Sink:
    """A file to write to whose bytes are taken away while it grows."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.written = 0

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        self.written += len(data)
        return len(data)

    def tell(self) -> int:
        return self.written

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The bytes stay until they are taken."""

    def seekable(self) -> bool:
        return False

    @property
    def waiting(self) -> int:
        """Bytes written and not taken yet."""
        return sum(map(len, self.parts))

    def taken(self) -> bytes:
        data, self.parts = b"".join(self.parts), []
        return data
