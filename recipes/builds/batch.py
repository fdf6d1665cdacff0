"""Some rows of prepared data on their way from the process that made them to the files."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recipes.prepared import Ragged


@dataclass
class Batch:
    """`splits` uint8 [n] and one array [n, …] (or `Ragged` of n rows) for each column."""

    splits: np.ndarray
    columns: dict[str, np.ndarray | Ragged]
    dropped: list[dict[str, Any]] = field(default_factory=list)
    """items that could not be used: name, split, reason, params"""
    counts: Counter = field(default_factory=Counter)
    """what steps have changed, by kind"""
    sums: dict[str, np.ndarray] = field(default_factory=dict)
    """whatever the maker adds up over batches"""
    items: int = 0
    """that it was made of, dropped ones included"""

    def __len__(self) -> int:
        return len(self.splits)

    def by_split(self) -> Iterator[tuple[int, dict[str, np.ndarray | Ragged]]]:
        """The rows of each split that has any, in their order."""
        for split in sorted(set(self.splits.tolist())):
            rows = np.flatnonzero(self.splits == split)
            if len(rows) == len(self):
                yield split, self.columns
            else:
                yield split, {name: _rows_of(column, rows) for name, column in self.columns.items()}

    def to_bytes(self) -> bytes:
        """For a pipe: a line of JSON that describes the arrays, then their bytes."""
        arrays = {"splits": self.splits} | {f"sum {name}": array for name, array in self.sums.items()}
        for name, column in self.columns.items():
            if isinstance(column, Ragged):
                arrays |= {f"values {name}": column.values, f"offsets {name}": column.offsets}
            else:
                arrays[f"column {name}"] = column
        head = {
            "arrays": [[name, array.dtype.str, array.shape] for name, array in arrays.items()],
            "dropped": self.dropped,
            "counts": self.counts,
            "items": self.items,
        }
        return b"".join(
            [json.dumps(head).encode(), b"\n", *(np.ascontiguousarray(array).tobytes() for array in arrays.values())]
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Batch":
        at = data.index(b"\n") + 1
        head = json.loads(data[:at])
        arrays = {}
        for name, dtype, shape in head["arrays"]:
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(data, np.dtype(dtype), count, at).reshape(shape)
            at += arrays[name].nbytes
        columns: dict[str, np.ndarray | Ragged] = {
            name[7:]: array for name, array in arrays.items() if name.startswith("column ")
        }
        for name in [name[7:] for name in arrays if name.startswith("values ")]:
            columns[name] = Ragged(arrays[f"values {name}"], arrays[f"offsets {name}"])
        sums = {name[4:]: array for name, array in arrays.items() if name.startswith("sum ")}
        return cls(arrays["splits"], columns, head["dropped"], Counter(head["counts"]), sums, head["items"])


def ragged(rows: list[np.ndarray], like: np.ndarray) -> Ragged:
    """`rows` behind each other; `like` is an empty array of their type and shape, for when there are none."""
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    return Ragged(np.concatenate([like, *rows]), offsets)


def _rows_of(column: np.ndarray | Ragged, rows: np.ndarray) -> np.ndarray | Ragged:
    if isinstance(column, Ragged):
        return ragged([column.row(int(row)) for row in rows], column.values[:0])
    return column[rows]
