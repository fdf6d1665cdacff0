"""Prepared data: written once, mapped everywhere, the same hash for the same content."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.prepared import Column, Damaged, Writer, open_prepared, verify

IMAGE_COLUMNS = {"image": Column("uint8", (1, 2, 2)), "label": Column("int64")}


def write_images(parent, items, **more):
    with _image_writer(parent) as writer:
        for split, pixels, label in items:
            writer.add(split, image=np.full((1, 2, 2), pixels, np.uint8), label=label)
        return writer.finish(on_device=[{"step": "scale", "to": [0, 1]}], **more)


def _image_writer(parent):
    return Writer(
        parent,
        task="image-classification",
        kind="image",
        columns=IMAGE_COLUMNS,
        input_column="image",
        target_column="label",
        classes=["cat", "dog"],
        splits=("train", "test"),
    )


def test_what_was_written_is_read_back_mapped(tmp_path):
    path = write_images(tmp_path, [("train", 7, 0), ("train", 9, 1), ("test", 1, 1)])
    train = open_prepared(path).split("train")
    images = train.column("image")
    assert isinstance(images, np.memmap)
    assert (len(train), images.shape, images.dtype) == (2, (2, 1, 2, 2), np.uint8)
    assert images[1, 0, 0, 0] == 9
    assert train.column("label").tolist() == [0, 1]


def test_the_directory_is_named_by_the_hash_that_verify_finds(tmp_path):
    path = write_images(tmp_path, [("train", 7, 0), ("test", 1, 1)])
    assert verify(path) == path.name == open_prepared(path).hash
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_equal_content_has_an_equal_hash_and_other_content_another(tmp_path):
    items = [("train", 7, 0), ("test", 1, 1)]
    one, two = write_images(tmp_path / "one", items), write_images(tmp_path / "two", items)
    assert one.name == two.name
    assert (one / "manifest.json").read_bytes() == (two / "manifest.json").read_bytes()
    assert write_images(tmp_path / "three", [("train", 8, 0), ("test", 1, 1)]).name != one.name
    assert write_images(tmp_path / "four", items, versions={"numpy": "other"}).name != one.name


def test_writing_the_same_again_keeps_what_is_there(tmp_path):
    first = write_images(tmp_path, [("train", 7, 0)])
    assert write_images(tmp_path, [("train", 7, 0)]) == first
    assert len(list(tmp_path.iterdir())) == 1


def test_an_empty_split_reads_as_no_items(tmp_path):
    path = write_images(tmp_path, [("train", 7, 0)])
    test = open_prepared(path).split("test")
    assert len(test) == 0
    assert test.column("image").shape == (0, 1, 2, 2)


def test_an_unfinished_writer_leaves_nothing(tmp_path):
    with _image_writer(tmp_path) as writer:
        writer.add("train", image=np.zeros((1, 2, 2), np.uint8), label=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "item",
    [
        {"image": np.zeros((1, 2, 3), np.uint8), "label": 0},
        {"image": np.zeros((1, 2, 2), np.float32), "label": 0},
        {"image": np.zeros((1, 2, 2), np.uint8)},
    ],
)
def test_an_item_that_does_not_fit_is_refused(tmp_path, item):
    with _image_writer(tmp_path) as writer, pytest.raises(ValueError, match="column"):
        writer.add("train", **item)


def test_a_changed_byte_and_a_missing_file_are_found(tmp_path):
    path = write_images(tmp_path, [("train", 7, 0)])
    data = path / "train.image.bin"
    data.write_bytes(b"\x08" + data.read_bytes()[1:])
    with pytest.raises(Damaged, match=r"train\.image\.bin"):
        verify(path)
    data.unlink()
    with pytest.raises(Damaged, match="missing"):
        verify(path)


def test_a_changed_manifest_is_found(tmp_path):
    path = write_images(tmp_path, [("train", 7, 0)])
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["classes"] = ["dog", "cat"]
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Damaged, match="hashes to"):
        verify(path)


boxes = st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), max_size=5)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(boxes, max_size=12))
def test_ragged_targets_come_back_row_by_row(tmp_path_factory, rows):
    columns = {"image": Column("uint8", (1,)), "boxes": Column("float32", (4,), ragged=True)}
    with Writer(
        tmp_path_factory.mktemp("ragged"),
        task="object-detection",
        kind="image",
        columns=columns,
        input_column="image",
        target_column="boxes",
        splits=("train",),
    ) as writer:
        for index, row in enumerate(rows):
            writer.add("train", image=np.array([index], np.uint8), boxes=np.array(row, np.float32).reshape(-1, 4))
        path = writer.finish()
    prepared = open_prepared(path)
    column = prepared.split("train").column("boxes")
    assert prepared.manifest["target"] == {"column": "boxes", "ragged": True}
    assert column.offsets.tolist() == [0, *np.cumsum([len(row) for row in rows], dtype=int).tolist()]
    assert [column.row(index).tolist() for index in range(len(rows))] == [
        [list(map(float, box)) for box in row] for row in rows
    ]
    assert verify(path) == path.name
