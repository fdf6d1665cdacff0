"""Prepared data from a version and a recipe: streaming, one item in memory at a time."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import features

from contract.problems import gettext_noop
from recipes import version as versions
from recipes.images import Unreadable
from recipes.prepared import Column, Writer
from recipes.recipe import Recipe, shape_problems
from recipes.sandbox.inside import Refused, Reporter
from recipes.steps import Shape, Statistics
from recipes.targets import TARGETS
from recipes.version import Item

BUILD_FORMAT = 1
"""raise it when the same recipe comes to mean other bytes"""
MOST_LISTED = 1000


def build(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: version (directory), steps, parent (directory), skip {name: reason}.

    Returns {"hash", "dropped": n}. Raises Refused when the items do not become alike, or nothing is left to train on.
    """
    directory = Path(request["version"])
    head = versions.read_head(directory)
    recipe = Recipe.parse(request["steps"])
    items = recipe.order(list(versions.read_items(directory)))
    shape = _common_shape(recipe, items)
    with _writer(Path(request["parent"]), head, shape) as writer:
        colours, dropped = np.zeros((shape.channels, 256), np.int64), []
        for number, item in enumerate(items):
            reporter.at(item.file)
            try:
                pixels = _pixels(directory, item, recipe, request.get("skip", {}))
            except Unreadable as error:
                dropped.append(_dropped(item, error))
                continue
            _add(writer, head["task"], item, pixels, colours)
            reporter.progress((number + 1) / len(items))
        _refuse_without_training_items(items, dropped)
        path = writer.finish(
            on_device=recipe.on_device(_statistics(colours)),
            versions=library_versions(),
            version=directory.name,
            recipe={"hash": recipe.hash, "steps": recipe.to_json()},
            dropped={"count": len(dropped), "items": dropped[:MOST_LISTED]},
        )
    return {"hash": path.name, "dropped": len(dropped)}


def library_versions() -> dict[str, str]:
    """Whatever decides which bytes come out: part of the hash."""
    return {
        "build": str(BUILD_FORMAT),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        **{codec: str(features.version(codec)) for codec in ("jpg", "webp", "libtiff", "zlib")},
    }


def _writer(parent: Path, head: dict[str, Any], shape: Shape) -> Writer:
    target = TARGETS[head["task"]]
    return Writer(
        parent,
        task=head["task"],
        kind=head["kind"],
        classes=head["classes"],
        columns={"image": Column("uint8", tuple(shape)), target.name: target.column},
        input_column="image",
        target_column=target.name,
        splits=versions.SPLITS,
    )


def _add(writer: Writer, task: str, item: Item, pixels: np.ndarray, colours: np.ndarray) -> None:
    """Write one item, and count its colours when it is one to train on."""
    target = TARGETS[task]
    writer.add(item.split, image=pixels, **{target.name: target.value(item.target)})
    if item.split == "train":
        colours += _count_colours(pixels)


def _dropped(item: Item, error: Unreadable) -> dict[str, Any]:
    return {"name": item.name, "split": item.split, "reason": error.sentence, "params": error.params}


def _common_shape(recipe: Recipe, items: list[Item]) -> Shape:
    if not items:
        raise Refused(gettext_noop("The dataset has no items."))
    shapes = {Shape(item.channels, item.height, item.width) for item in items}
    problems = shape_problems(recipe, shapes)
    if problems:
        raise Refused(problems[0].sentence, **problems[0].params)
    return recipe.shape_of(shapes.pop())


def _pixels(directory: Path, item: Item, recipe: Recipe, skip: dict[str, str]) -> np.ndarray:
    """uint8 [channels, height, width]"""
    if item.file in skip:
        raise Unreadable(skip[item.file])
    data = versions.file_of(directory, item).read_bytes()
    if hashlib.sha256(data).hexdigest() != item.sha256:
        raise Unreadable(gettext_noop("The stored file is damaged: its hash is not the one noted at import."))
    image = np.asarray(recipe.read(data))
    return image[np.newaxis] if image.ndim == 2 else np.ascontiguousarray(image.transpose(2, 0, 1))


def _count_colours(pixels: np.ndarray) -> np.ndarray:
    """How often each of 256 values occurs, by channel: whole numbers, so that statistics are exact."""
    return np.stack([np.bincount(channel.ravel(), minlength=256) for channel in pixels])


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


def _refuse_without_training_items(items: list[Item], dropped: list[dict]) -> None:
    left = Counter(item.split for item in items)
    left.subtract(entry["split"] for entry in dropped)
    if left["train"] < 1:
        reason = dropped[0]["reason"] % dropped[0]["params"] if dropped else ""
        sentence = gettext_noop("No item of the train split could be read. The first reason: %(reason)s")
        raise Refused(sentence, reason=reason)
