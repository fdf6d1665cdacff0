"""Another dataset as a model takes it: with the numbers, order, statistics and sizes that the model knows."""

import numpy as np
import pytest

from recipes.sandbox.inside import Refused
from tests.recipes.pictures import noise, written
from tests.recipes.rows import built, column, labelled_texts, table, with_boxes

MEASURED = [{"step": "scale"}, {"step": "normalise"}]
FITTED = [{"step": "impute"}, {"step": "one-hot"}, {"step": "standardise"}]
COLUMNS = [column("age"), column("colour", "category", 0, ["blue", "red"])]
ROWS = [("train", [10, "red"], 0), ("train", [30, "blue"], 1), ("test", [20, "red"], 1)]


def like(prepared, version, **more):
    """What the server says of the data that a model learned from."""
    manifest = prepared.manifest
    learned = {name: manifest[name] for name in ("on_device", "target_scale") if name in manifest}
    told = {"shape": manifest["input"]["shape"], "classes": manifest["classes"], "learned": learned, **more}
    return {"version": str(version), "hash": prepared.hash, **told}


@pytest.fixture
def own(tmp_path):
    """Small grey pictures that a model learned from."""
    version = written(tmp_path / "own", [("train", 0, noise(1, (6, 6), 1)), ("test", 1, noise(2, (6, 6), 1))])
    return version, built(version, MEASURED)


def test_classes_get_the_model_s_numbers_by_their_names(tmp_path):
    version = labelled_texts(tmp_path / "own", [("train", 0, "a"), ("train", 1, "b")])
    steps = [{"step": "tokenise", "max_length": 8}]
    model = like(built(version, steps), version)
    other = labelled_texts(tmp_path / "other", [("test", 0, "c"), ("test", 1, "d")], ["yes", "no"])

    prepared = built(other, steps, like=model)
    assert prepared.manifest["classes"] == ["no", "yes"] and prepared.manifest["like"] == model["hash"]
    tokens, labels = (np.asarray(prepared.split("test").column(name)) for name in ("tokens", "label"))
    assert {chr(row[1] - 4): label for row, label in zip(tokens, labels, strict=True)} == {"c": 1, "d": 0}


def test_classes_that_the_model_does_not_know_stay_as_they_are(tmp_path):
    version = labelled_texts(tmp_path / "own", [("train", 0, "a"), ("train", 1, "b")])
    steps = [{"step": "tokenise", "max_length": 8}]
    other = labelled_texts(tmp_path / "other", [("test", 1, "c")], ["no", "maybe"])
    prepared = built(other, steps, like=like(built(version, steps), version))
    assert prepared.manifest["classes"] == ["no", "maybe"]


def test_pictures_become_grey_and_of_the_model_s_size_with_the_statistics_that_it_learned(tmp_path, own):
    version, prepared = own
    colourful = written(tmp_path / "other", [("test", 1, noise(3, (9, 12), 3)), ("test", 0, noise(4, (5, 7), 3))])
    alike = built(colourful, MEASURED, like=like(prepared, version))

    assert alike.split("test").column("image").shape == (2, 1, 6, 6)
    assert alike.manifest["on_device"] == prepared.manifest["on_device"]
    added = [step["step"] for step in alike.manifest["recipe"]["steps"]]
    assert added == ["decode", "grayscale", "resize", "scale", "normalise"]


def test_boxes_keep_their_places_and_get_the_model_s_classes(tmp_path):
    box = [1, 2, 3, 4, 2]
    version = with_boxes(tmp_path / "own", [("train", noise(1, (8, 8), 1), [box])])
    other = with_boxes(tmp_path / "x", [("test", noise(2, (8, 8), 1), [box])], classes=["dog", "owl", "cat"])
    prepared = built(other, [{"step": "scale"}], like=like(built(version, [{"step": "scale"}]), version))
    assert prepared.split("test").column("boxes").values.tolist() == [[1, 2, 4, 6, 0]]


def test_a_table_is_read_by_the_names_of_its_columns_and_by_what_the_model_saw(tmp_path):
    version = table(tmp_path / "own", COLUMNS, ROWS)
    prepared = built(version, FITTED)
    turned = [column("colour", "category", 0, ["red", "blue"]), column("more"), column("age")]
    other = table(tmp_path / "other", turned, [("test", ["red", 5, 20], 1), ("test", ["blue", 6, 30], 0)])

    alike = built(other, FITTED, like=like(prepared, version, columns=COLUMNS))
    assert alike.manifest["features"] == prepared.manifest["features"]
    same = prepared.split("test").column("features")[0].tolist()
    assert same in alike.split("test").column("features").tolist()


def test_values_keep_the_scale_that_the_model_learned(tmp_path):
    columns, steps = [column("x")], [{"step": "standardise"}]
    version = table(tmp_path / "own", columns, [("train", [n], 10.0 * n) for n in range(9)], "tabular-regression")
    prepared = built(version, steps)
    other = table(tmp_path / "other", columns, [("test", [100], 5.0)], "tabular-regression")
    alike = built(other, steps, like=like(prepared, version, columns=columns))
    assert alike.manifest["target_scale"] == prepared.manifest["target_scale"]
    assert np.asarray(alike.split("test").column("value")).tolist() == [5.0]


@pytest.mark.parametrize(
    ("columns", "value", "sentence"),
    [
        ([column("age"), column("tint", "category")], [1, "red"], "'colour', and this data has none"),
        ([column("colour", "category"), column("age", "category")], ["red", "old"], "'age', and this data has none"),
    ],
)
def test_a_column_that_is_missing_or_of_another_type_is_named(tmp_path, columns, value, sentence):
    version = table(tmp_path / "own", COLUMNS, ROWS)
    model = like(built(version, FITTED), version, columns=COLUMNS)
    with pytest.raises(Refused, match=sentence):
        built(table(tmp_path / "other", columns, [("test", value, 0)]), FITTED, like=model)


def test_what_does_not_become_the_model_s_shape_is_refused_with_both(tmp_path):
    version = labelled_texts(tmp_path / "own", [("train", 0, "a")])
    model = like(built(version, [{"step": "tokenise", "max_length": 8}]), version)
    with pytest.raises(Refused, match="inputs of 8, this data becomes 9"):
        built(version, [{"step": "tokenise", "max_length": 9}], like=model)
