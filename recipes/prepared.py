"""Prepared data on disk: one raw little-endian file per split and column, and a manifest that names them all.

A column is of fixed shape (`[n, *shape]`) or ragged: `values [total, *shape]` with `offsets int64 [n + 1]`, where
row i is `values[offsets[i]:offsets[i + 1]]`. Readers map the files; nothing is copied until it is indexed.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from recipes import manifest as manifests
from recipes.manifest import Damaged, verify

__all__ = ["Column", "Damaged", "Prepared", "Ragged", "Split", "Writer", "open_prepared", "verify"]


@dataclass(frozen=True)
class Column:
    """Type and shape of one item of a column; of one row of an item when it is ragged."""

    dtype: str
    shape: tuple[int, ...] = ()
    ragged: bool = False

    @property
    def stored(self) -> np.dtype:
        """As on disk: little-endian on every machine."""
        return np.dtype(self.dtype).newbyteorder("<")


class Ragged(NamedTuple):
    """A column whose items differ in length."""

    values: np.ndarray
    offsets: np.ndarray

    def row(self, index: int) -> np.ndarray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]


class Writer:
    """Streams items into prepared data under `parent`; `finish()` gives it its hash as name.

    with Writer(parent, columns={"image": Column("uint8", (1, 28, 28)), "label": Column("int64")}, …) as writer:
        writer.add("train", image=array, label=3)
        path = writer.finish(on_device=[{"step": "scale", "to": [0, 1]}])

    Leaving the block without `finish()` removes what was written.
    """

    def __init__(
        self,
        parent: Path,
        *,
        task: str,
        kind: str,
        columns: Mapping[str, Column],
        input_column: str,
        target_column: str,
        classes: list[str] | None = None,
        splits: tuple[str, ...] = (),
    ):
        self._parent = Path(parent)
        self._columns = dict(columns)
        self._head = {
            "format": manifests.FORMAT,
            "task": task,
            "kind": kind,
            "classes": list(classes or []),
            "input": {
                "column": input_column,
                "dtype": columns[input_column].dtype,
                "shape": list(columns[input_column].shape),
            },
            "target": {"column": target_column, "ragged": columns[target_column].ragged},
        }
        self._parent.mkdir(parents=True, exist_ok=True)
        self._directory = self._parent / f".writing-{os.getpid()}-{secrets.token_hex(4)}"
        self._directory.mkdir()
        self._splits: dict[str, dict[str, _ColumnFiles]] = {}
        for split in splits:
            self._split(split)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_) -> None:
        for columns in self._splits.values():
            for files in columns.values():
                files.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def add(self, split: str, **item: Any) -> None:
        """Append one item: an array of the column's shape for each column, `[k, *shape]` for a ragged one.

        Raises ValueError when a column is missing or of another shape; then nothing of the item is written.
        """
        if item.keys() != self._columns.keys():
            raise ValueError(f"an item has the columns {sorted(self._columns)}, not {sorted(item)}")
        arrays = {name: _fitting(name, self._columns[name], value) for name, value in item.items()}
        for name, files in self._split(split).items():
            files.append(arrays[name])

    def extend(self, split: str, columns: Mapping[str, "np.ndarray | Ragged"]) -> None:
        """Append many items: `[n, *shape]`, or `Ragged` of n rows, for each column. Raises ValueError as `add`."""
        if columns.keys() != self._columns.keys():
            raise ValueError(f"items have the columns {sorted(self._columns)}, not {sorted(columns)}")
        fitting = {name: _all_fitting(name, self._columns[name], column) for name, column in columns.items()}
        for name, files in self._split(split).items():
            files.extend(fitting[name])

    def finish(self, *, on_device: list[dict] | None = None, versions: dict | None = None, **more: Any) -> Path:
        """Close the files, name the data by its hash and return where it lies. `more` goes into the manifest."""
        files: list[dict] = []
        splits: dict[str, dict] = {}
        for split, columns in self._splits.items():
            entries = {name: column.finish(files) for name, column in columns.items()}
            splits[split] = {"count": next(iter(columns.values())).count, "columns": entries}
        manifest = {
            **self._head,
            "on_device": on_device or [],
            "splits": splits,
            "files": sorted(files, key=lambda entry: entry["name"]),
            "versions": versions or {},
            **more,
        }
        manifest["hash"] = manifests.content_hash(manifest)
        manifests.write(self._directory, manifest)
        return self._settle(manifest["hash"])

    def _settle(self, name: str) -> Path:
        """The same data may have been written before, or at the same time: the one that is there stays."""
        place = self._parent / name
        if not place.exists():
            try:
                self._directory.rename(place)
            except OSError:
                if not place.exists():
                    raise
        return place

    def _split(self, name: str) -> dict[str, "_ColumnFiles"]:
        if name not in self._splits:
            self._splits[name] = {
                column: _ColumnFiles(self._directory, f"{name}.{column}", kind)
                for column, kind in self._columns.items()
            }
        return self._splits[name]


class Split:
    """One split of prepared data; `len()` is its number of items."""

    def __init__(self, directory: Path, entry: dict[str, Any]):
        self._directory = directory
        self._entry = entry

    def __len__(self) -> int:
        return self._entry["count"]

    @property
    def columns(self) -> list[str]:
        return list(self._entry["columns"])

    def column(self, name: str) -> np.ndarray | Ragged:
        """The column mapped read-only: `[n, *shape]`, or `Ragged(values [total, *shape], offsets [n + 1])`."""
        entry = self._entry["columns"][name]
        kind = Column(entry["dtype"], tuple(entry["shape"]), entry["ragged"])
        if not kind.ragged:
            return _mapped(self._directory / entry["file"], kind.stored, (len(self), *kind.shape))
        offsets = _mapped(self._directory / entry["offsets"], np.dtype("<i8"), (len(self) + 1,))
        values = _mapped(self._directory / entry["file"], kind.stored, (int(offsets[-1]), *kind.shape))
        return Ragged(values, offsets)


class Prepared:
    """Prepared data that lies in a directory."""

    def __init__(self, directory: Path):
        self.directory = Path(directory)
        self.manifest = manifests.read(self.directory)

    @property
    def hash(self) -> str:
        return self.manifest["hash"]

    @property
    def splits(self) -> list[str]:
        return list(self.manifest["splits"])

    def split(self, name: str) -> Split:
        """Raises KeyError when the data has no such split."""
        return Split(self.directory, self.manifest["splits"][name])


def open_prepared(path: Path) -> Prepared:
    """Open prepared data for reading. Reads the manifest only: `verify(path)` proves the files."""
    return Prepared(path)


class _ColumnFiles:
    """The file (two when ragged) of one column of one split while it is written."""

    def __init__(self, directory: Path, stem: str, kind: Column):
        self.count = 0
        self._kind = kind
        self._total = 0
        self._values = _HashedFile(directory / f"{stem}.bin")
        self._offsets = _HashedFile(directory / f"{stem}.offsets.bin") if kind.ragged else None
        if self._offsets:
            self._offsets.write(np.int64(0).astype("<i8").tobytes())

    def append(self, array: np.ndarray) -> None:
        self._values.write(array.tobytes())
        self.count += 1
        if self._offsets:
            self._total += len(array)
            self._offsets.write(np.int64(self._total).astype("<i8").tobytes())

    def extend(self, column: "np.ndarray | Ragged") -> None:
        values = column.values if isinstance(column, Ragged) else column
        self._values.write(values.tobytes())
        self.count += (len(column.offsets) - 1) if isinstance(column, Ragged) else len(column)
        if self._offsets and isinstance(column, Ragged):
            self._offsets.write((column.offsets[1:] - column.offsets[0] + self._total).astype("<i8").tobytes())
            self._total += len(values)

    def finish(self, files: list[dict]) -> dict[str, Any]:
        """Close, list the files in `files` and return the column's entry in the manifest."""
        entry: dict[str, Any] = {
            "dtype": self._kind.dtype,
            "shape": list(self._kind.shape),
            "ragged": self._kind.ragged,
            "file": self._values.path.name,
        }
        files.append(self._values.finish())
        if self._offsets:
            entry["offsets"] = self._offsets.path.name
            files.append(self._offsets.finish())
        return entry

    def close(self) -> None:
        self._values.close()
        if self._offsets:
            self._offsets.close()


class _HashedFile:
    """A file that knows its SHA-256 when it is closed, without being read again."""

    def __init__(self, path: Path):
        self.path = path
        self._file: BinaryIO = open(path, "wb", buffering=1 << 20)  # noqa: SIM115 - closed by finish() or close()
        self._digest = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._bytes += len(data)

    def finish(self) -> dict[str, Any]:
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()
        return {"name": self.path.name, "bytes": self._bytes, "sha256": self._digest.hexdigest()}

    def close(self) -> None:
        self._file.close()


def _fitting(name: str, kind: Column, value: Any) -> np.ndarray:
    array = np.asarray(value)
    wanted = (len(array), *kind.shape) if kind.ragged and array.ndim else kind.shape
    if array.shape != wanted or (kind.ragged and not array.ndim):
        raise ValueError(f"column {name} takes {kind.shape}{' rows' if kind.ragged else ''}, not {array.shape}")
    if array.size and not np.can_cast(array.dtype, kind.dtype, casting="same_kind"):
        raise ValueError(f"column {name} takes {kind.dtype}, not {array.dtype}")
    return np.ascontiguousarray(array, dtype=kind.stored)


def _all_fitting(name: str, kind: Column, column: np.ndarray | Ragged) -> np.ndarray | Ragged:
    if isinstance(column, Ragged) != kind.ragged:
        raise ValueError(f"column {name} is{'' if kind.ragged else ' not'} ragged")
    if isinstance(column, Ragged):
        return Ragged(_fitting(name, kind, column.values), column.offsets)
    return _fitting(name, Column(kind.dtype, (len(column), *kind.shape)), column)


def _mapped(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if 0 in shape:  # an empty file cannot be mapped
        return np.empty(shape, dtype)
    return np.memmap(path, dtype=dtype, mode="r", shape=shape)
