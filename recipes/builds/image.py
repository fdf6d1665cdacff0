"""Pictures: decoded, changed, counted. Boxes go where the pixels go."""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from contract.problems import gettext_noop
from recipes.builds.batch import Batch, ragged
from recipes.builds.maker import At, Maker, Source, split_number
from recipes.images import Unreadable
from recipes.picture import Picture, clipped, corners, decoded, no_boxes
from recipes.prepared import Column
from recipes.steps import Shape, Statistics
from recipes.version import Item

BYTES_A_PIECE = 2 * 2**20
MOST_ITEMS_A_PIECE = 128
TRAIN = 0


class ImageMaker(Maker):
    """Column `image` uint8 [channels, height, width], and the target's."""

    input_column = "image"

    def __init__(self, source: Source):
        super().__init__(source)
        shapes = source.index.shapes or {Shape(1, 1, 1)}
        self.shape = source.recipe.shape_of(min(shapes))
        self.columns = {"image": Column("uint8", tuple(self.shape)), self.target.name: self.target.column}
        size = int(np.prod(self.shape))
        self.items_a_piece = min(max(BYTES_A_PIECE // size, 1), MOST_ITEMS_A_PIECE)
        self._files = f"{source.directory}/files/"
        self._colours = np.zeros((self.shape.channels, 256), np.int64)
        self._boxes: dict[str, int] = {"kept": 0, "vanished": 0}

    def make(self, numbers: Sequence[int], at: At) -> Batch:
        images, targets, splits = [], [], []
        batch = Batch(np.empty(0, np.uint8), {}, items=len(numbers))
        for number in numbers:
            item = self.source.index.item(number)
            at(number, item.file)
            try:
                picture = self._picture(item, number, batch)
            except Unreadable as error:
                batch.dropped.append(_dropped(item, error))
                continue
            images.append(picture.image.tobytes())
            targets.append(self._target(item, number, picture, batch))
            splits.append(split_number(item))
        batch.splits = np.array(splits, np.uint8)
        batch.columns = {"image": self._pixels(images), **self._targets(targets)}
        if self.source.recipe.wants_statistics:
            batch.sums = {"colours": _count_colours(batch.columns["image"][batch.splits == TRAIN])}
        return batch

    def settle(self, batch: Batch) -> Batch:
        if "colours" in batch.sums:
            self._colours += batch.sums["colours"]
        for name in self._boxes:
            self._boxes[name] += batch.counts.pop(f"boxes {name}", 0)
        return batch

    def manifest(self) -> dict[str, Any]:
        recipe = self.source.recipe
        more: dict[str, Any] = {"on_device": recipe.on_device(_statistics(self._colours))}
        if self.target.name == "boxes":
            more["boxes"] = self._boxes
        return more

    def _pixels(self, images: list[bytes]) -> np.ndarray:
        """uint8 [n, channels, height, width] of pictures whose channels lie pixel by pixel."""
        channels, height, width = self.shape
        pixels = np.frombuffer(b"".join(images), np.uint8).reshape(-1, height, width, channels)
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))

    def _picture(self, item: Item, number: int, batch: Batch) -> Picture:
        if item.file in self.source.skip:
            raise Unreadable(self.source.skip[item.file])
        data = _content(self._files + item.file, item.bytes)
        if hashlib.sha256(data).hexdigest() != item.sha256:
            raise Unreadable(gettext_noop("The stored file is damaged: its hash is not the one noted at import."))
        boxes = corners(item.target["boxes"]) if "boxes" in item.target else no_boxes()
        picture = decoded(self.source.recipe.decode(data), boxes, (item.width, item.height))
        picture = self.source.recipe.apply(picture, self.source.context(number, batch))
        if not len(boxes):
            return picture
        kept = clipped(picture.boxes, picture.image.width, picture.image.height)
        batch.counts["boxes kept"] += len(kept)
        batch.counts["boxes vanished"] += len(boxes) - len(kept)
        return Picture(picture.image, kept)

    def _target(self, item: Item, number: int, picture: Picture, batch: Batch) -> Any:
        if self.target.name == "boxes":
            return self.target.value({"boxes": picture.boxes})
        return self.target.value(self.target_row(item, number, batch))

    def _targets(self, values: list[Any]) -> dict[str, Any]:
        column = self.target.column
        if column.ragged:
            return {self.target.name: ragged(values, np.empty((0, *column.shape), column.dtype))}
        return {self.target.name: np.array(values, column.dtype).reshape(-1, *column.shape)}


def _content(path: str, size: int) -> bytes:
    """A file of `size` bytes, one more if it is longer: in small pictures `open` costs as much as decoding."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        data = os.read(handle, size + 1)
        while len(data) < size and (more := os.read(handle, size - len(data))):
            data += more
        return data
    finally:
        os.close(handle)


def _dropped(item: Item, error: Unreadable) -> dict[str, Any]:
    return {"name": item.name, "split": item.split, "reason": error.sentence, "params": error.params}


def _count_colours(images: np.ndarray) -> np.ndarray:
    """How often each of 256 values occurs, by channel: whole numbers, so that statistics are exact."""
    return np.stack([np.bincount(images[:, channel].ravel(), minlength=256) for channel in range(images.shape[1])])


def _statistics(colours: np.ndarray) -> Statistics:
    values = range(256)
    means, deviations = [], []
    for counts in colours.tolist():
        total = sum(counts) or 1
        mean = sum(value * count for value, count in zip(values, counts, strict=True)) / total
        square = sum(value * value * count for value, count in zip(values, counts, strict=True)) / total
        means.append(mean)
        deviations.append(max(square - mean * mean, 0.0) ** 0.5)
    return Statistics(means, deviations)
