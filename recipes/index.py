"""The items of a version by number, without holding them: where each line lies, its split and its class."""

import json
import os
from array import array
from pathlib import Path

import numpy as np

from recipes.steps.base import Shape
from recipes.version import SPLITS, Item


class Index:
    """Some twenty bytes an item, so that a version larger than memory can be reordered and read in any order.

    Reads by position, never by a shared place in the file: processes forked from this one read side by side.
    """

    def __init__(self, directory: Path):
        self.directory = Path(directory)
        self._file = os.open(self.directory / "items.jsonl", os.O_RDONLY)
        self.target_keys: set[str] = set()
        starts, splits, labels, self._end = array("q"), bytearray(), array("q"), 0
        sizes: set[tuple[int, int, int]] = set()
        number_of = {name: number for number, name in enumerate(SPLITS)}
        with open(self.directory / "items.jsonl", "rb") as lines:
            for line in lines:
                item = json.loads(line.decode())
                starts.append(self._end)
                splits.append(number_of[item["split"]])
                labels.append(item["target"].get("label", -1) if "target" in item else -1)
                self.target_keys.update(item.get("target", ()))
                sizes.add((item.get("channels", 0), item.get("height", 0), item.get("width", 0)))
                self._end += len(line)
        self.shapes = {Shape(*size) for size in sizes}
        """of all pictures"""
        self.starts = np.frombuffer(starts, np.int64)
        self.splits = np.frombuffer(bytes(splits), np.uint8)
        """number in SPLITS of each item"""
        self.labels = np.frombuffer(labels, np.int64)
        """class of each item; -1 where it has none, or several"""

    def __len__(self) -> int:
        return len(self.starts)

    def item(self, number: int) -> Item:
        last = number + 1 == len(self.starts)
        start, end = int(self.starts[number]), self._end if last else int(self.starts[number + 1])
        return Item(**json.loads(os.pread(self._file, end - start, start).decode()))

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *_) -> None:
        self.close()
