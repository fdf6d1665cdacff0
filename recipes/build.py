"""Prepared data from a version and a recipe: streaming, a few items in memory at a time."""

import hashlib
import importlib.metadata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import features

from contract.problems import gettext_noop
from recipes import version as versions
from recipes.builds import MAKERS, Maker, Source
from recipes.builds.batch import Batch
from recipes.builds.side_by_side import in_order
from recipes.builds.table import TableMaker
from recipes.fitting import Facts, problems_for
from recipes.index import Index
from recipes.likeness import AlikeIndex, Likeness, fitted
from recipes.obfuscation import hiding
from recipes.prepared import Writer
from recipes.recipe import Recipe
from recipes.sandbox.inside import Refused, Reporter

BUILD_FORMAT = 3
"""raise it when the same recipe comes to mean other bytes"""
MOST_LISTED = 1000
FEWEST_TO_SHARE = 256
"""items; with fewer, starting processes costs more than it saves"""


def build(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: version (directory), steps, parent (directory); and where they are
    needed skip {file: reason}, key (hexadecimal), tokenizers {model: directory}, processes, and like (a `Likeness`)
    for what is to be as a model takes it.

    Returns {"hash", "dropped": n}. Raises Refused when the items do not become alike, or nothing is left to train on.
    """
    like = _likeness(request)
    teacher = request | {"version": like.version, "like": None} if like else None
    with source_of(request) as source, taught(source, reporter, teacher) as maker:
        if like:
            like.must_fit(maker.columns[maker.input_column].shape)
        with _writer(Path(request["parent"]), maker) as writer:
            written = _write(maker, writer, reporter, request.get("processes", 1))
            told = _manifest(maker, written) | _as_learned(like)
            path = writer.finish(versions=library_versions(source.head["kind"]), **told)
    return {"hash": path.name, "dropped": len(written.dropped)}


@contextmanager
def taught(source: Source, reporter: Reporter, teacher: dict[str, Any] | None) -> Iterator[Maker]:
    """What makes rows of `source`. Of a table with a `teacher` (a request) it has learned from that one's train split,
    as it did when that data were built."""
    maker = MAKERS[source.head["kind"]](source)
    if teacher is None:
        maker.look(reporter)
    if teacher is None or not isinstance(maker, TableMaker):
        yield maker
        return
    with source_of(teacher) as whole:
        learned = TableMaker(whole)
        learned.look(reporter)
        learned.be_used_for(source, maker.target)
        yield learned


def library_versions(kind: str) -> dict[str, str]:
    """Whatever decides which bytes come out: part of the hash."""
    known = {"build": str(BUILD_FORMAT), "numpy": np.__version__}
    if kind == "image":
        codecs = {codec: str(features.version(codec)) for codec in ("jpg", "webp", "libtiff", "zlib")}
        return known | {"pillow": PIL.__version__, **codecs}
    return known | ({"tokenizers": importlib.metadata.version("tokenizers")} if kind == "text" else {})


@contextmanager
def source_of(request: dict[str, Any]) -> Iterator[Source]:
    """What a request is about. Raises Refused when its recipe does not fit the version."""
    directory = Path(request["version"])
    found, like = versions.read_head(directory), _likeness(request)
    head = like.head(found) if like else found
    recipe = Recipe.parse(request["steps"], kind=head["kind"])
    with AlikeIndex(directory, found, like) if like else Index(directory) as index:
        if not len(index):
            raise Refused(gettext_noop("The dataset has no items."))
        if like and head["kind"] == "image":
            recipe = fitted(recipe, index.shapes, like.shape)
        columns, labelled = head.get("columns", []), "label" in index.target_keys
        facts = Facts(head["kind"], head["task"], frozenset(index.shapes), columns, labelled)
        for problem in problems_for(recipe, facts):
            raise Refused(problem.sentence, **problem.params)
        if recipe.keyed and not request.get("key"):
            raise Refused(gettext_noop("This recipe needs the project's key: it is prepared on the server only."))
        yield Source(
            directory,
            head,
            recipe,
            index,
            key=bytes.fromhex(request.get("key", "")),
            skip=request.get("skip", {}),
            tokenizers=request.get("tokenizers", {}),
        )


def _likeness(request: dict[str, Any]) -> Likeness | None:
    return Likeness(**request["like"]) if request.get("like") else None


def _as_learned(like: Likeness | None) -> dict[str, Any]:
    """What the manifest says of the data that a model learned from, in the place of what this data would teach."""
    return like.learned | {"like": like.hash} if like else {}


def _writer(parent: Path, maker: Maker) -> Writer:
    head = maker.source.head
    return Writer(
        parent,
        task=head["task"],
        kind=head["kind"],
        classes=head["classes"],
        columns=maker.columns,
        input_column=maker.input_column,
        target_column=maker.target_column,
        splits=versions.SPLITS,
    )


def _write(maker: Maker, writer: Writer, reporter: Reporter, processes: int) -> Batch:
    """Write every row; what came up on the way, as a batch without rows. Refuses when nothing is left to train on, or
    of data that nobody trains on nothing at all."""
    told = Batch(np.empty(0, np.uint8), {})
    order, useful_rows = maker.source.recipe.order(maker.source.index), 0
    alone = isinstance(maker.source.index, AlikeIndex)
    for batch in _batches(maker, order, reporter, processes):
        told.dropped += batch.dropped
        told.counts.update(batch.counts)
        told.items += batch.items
        for split, columns in batch.by_split():
            writer.extend(versions.SPLITS[split], columns)
        useful_rows += len(batch.splits) if alone else int((batch.splits == 0).sum())
        reporter.progress(told.items / max(len(order), 1))
    told.counts.update(maker.report())
    if not useful_rows:
        reason = told.dropped[0]["reason"] % told.dropped[0]["params"] if told.dropped else ""
        sentence = gettext_noop("No item of the train split could be read. The first reason: %(reason)s")
        raise Refused(sentence, reason=reason)
    return told


def _batches(maker: Maker, order: Sequence[int], reporter: Reporter, processes: int) -> Iterator[Batch]:
    size = maker.items_a_piece
    pieces = [order[first : first + size] for first in range(0, len(order), size)]
    index = maker.source.index
    batches = in_order(
        maker.make,
        pieces,
        processes if len(order) >= FEWEST_TO_SHARE else 1,
        at=lambda number, name: reporter.at(name),
        name_of=lambda number: index.item(number).file,
    )
    for batch in batches:
        yield maker.settle(batch)
    if (last := maker.rest()) is not None:
        yield last


def _manifest(maker: Maker, written: Batch) -> dict[str, Any]:
    source, multi = maker.source, maker.target.multi
    target = {"column": maker.target_column, "ragged": maker.columns[maker.target_column].ragged}
    return {
        "on_device": [],
        **maker.manifest(),
        "target": target | ({"multi": True} if multi else {}),
        "on_train": source.recipe.on_train(),
        "version": source.directory.name,
        "recipe": source.recipe.to_manifest(),
        "obfuscation": _obfuscation(source, written.counts),
        "dropped": {"count": len(written.dropped), "items": written.dropped[:MOST_LISTED]},
        **({"key": hashlib.sha256(b"name of key" + source.key).hexdigest()[:16]} if source.recipe.keyed else {}),
    }


def _obfuscation(source: Source, counts: Counter) -> list[dict[str, Any]]:
    """The steps that hide something, with what they changed, for reports."""
    return [
        step.to_manifest() | {"report": step.account(_counted(counts, place), source.classes)}
        for place, step in hiding(source.recipe, source.head["kind"])
    ]


def _counted(counts: Counter, place: int) -> dict[str, int]:
    mine = f"{place}."
    return {name.removeprefix(mine): number for name, number in sorted(counts.items()) if name.startswith(mine)}
