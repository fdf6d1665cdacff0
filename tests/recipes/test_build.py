"""The build: the same bytes everywhere, statistics of the train split only, nothing dropped in silence."""

import numpy as np
import pytest

from recipes.build import build
from recipes.prepared import open_prepared, verify
from recipes.sandbox import outside
from recipes.sandbox.inside import Refused, Reporter
from tests.recipes.pictures import noise, plain, written

STEPS = [{"step": "grayscale"}, {"step": "resize", "size": [8, 8]}, {"step": "scale"}, {"step": "normalise"}]


def built_here(tmp_path, items, steps=STEPS, **request):
    version = written(tmp_path / "versions", items)
    request |= {"version": str(version), "steps": steps, "parent": str(tmp_path / "prepared")}
    result = build(request, Reporter(lambda line: None))
    return open_prepared(tmp_path / "prepared" / result["hash"])


def mixed(count=12):
    splits = ("train", "validation", "test")
    return [(splits[n % 3], n % 2, noise(n, (6 + n, 5 + n), 3 if n % 2 else 1)) for n in range(count)]


def test_two_builds_in_two_processes_are_the_same_byte_for_byte(tmp_path):
    version = written(tmp_path / "versions", mixed())
    places = [tmp_path / "one", tmp_path / "two"]
    hashes = []
    for place in places:
        request = {"version": str(version), "steps": STEPS, "parent": str(place)}
        answer = outside.run("recipes.build:build", request)
        assert answer.result, answer
        hashes.append(answer.result["hash"])
    assert hashes[0] == hashes[1] == verify(places[0] / hashes[0]) == verify(places[1] / hashes[1])
    names = sorted(path.name for path in (places[0] / hashes[0]).iterdir())
    for name in names:
        assert (places[0] / hashes[0] / name).read_bytes() == (places[1] / hashes[1] / name).read_bytes()


def test_the_manifest_says_all_that_a_trainer_needs(tmp_path):
    prepared = built_here(tmp_path, mixed())
    manifest = prepared.manifest
    assert manifest["task"] == "image-classification"
    assert manifest["classes"] == ["cat", "dog"]
    assert manifest["input"] == {"column": "image", "dtype": "uint8", "shape": [1, 8, 8]}
    assert manifest["target"] == {"column": "label", "ragged": False}
    assert [entry["step"] for entry in manifest["on_device"]] == ["scale", "normalise"]
    assert {name: split["count"] for name, split in manifest["splits"].items()} == {
        "train": 4,
        "validation": 4,
        "test": 4,
    }
    assert {"numpy", "pillow"} <= set(manifest["versions"])


def test_statistics_are_those_of_the_train_split_after_scaling(tmp_path):
    items = [("train", 0, plain(0)), ("train", 1, plain(255)), ("test", 0, plain(255)), ("test", 1, plain(254))]
    prepared = built_here(tmp_path, items, [{"step": "scale"}, {"step": "normalise"}])
    assert prepared.manifest["on_device"][1] == {"step": "normalise", "mean": [0.5], "std": [0.5]}


def test_a_constant_channel_is_not_divided_by_zero(tmp_path):
    items = [("train", 0, plain(0)), ("train", 1, plain(0, size=(4, 4)))]
    assert built_here(tmp_path, items, [{"step": "normalise"}]).manifest["on_device"][0]["std"] == [1.0]


def test_images_and_labels_stay_together(tmp_path):
    items = [("train", n % 2, plain(100 * (n % 2) + n)) for n in range(10)]
    train = built_here(tmp_path, items, [{"step": "shuffle", "seed": 3}]).split("train")
    assert np.array_equal(train.column("image")[:, 0, 0, 0] >= 100, train.column("label") == 1)
    assert sorted(train.column("image")[:, 0, 0, 0].tolist()) == sorted(100 * (n % 2) + n for n in range(10))


def test_shuffle_changes_the_order_and_nothing_else(tmp_path):
    items = [("train", 0, plain(n)) for n in range(30)]
    plainly = built_here(tmp_path / "a", items, [])
    shuffled = built_here(tmp_path / "b", items, [{"step": "shuffle", "seed": 1}])
    one, two = (prepared.split("train").column("image")[:, 0, 0, 0].tolist() for prepared in (plainly, shuffled))
    assert one != two
    assert sorted(one) == sorted(two)


def test_a_damaged_file_is_left_out_and_listed(tmp_path):
    version = written(tmp_path / "versions", mixed())
    victim = sorted((version / "files").rglob("*.png"))[0]
    victim.write_bytes(b"x")
    request = {"version": str(version), "steps": STEPS, "parent": str(tmp_path / "prepared")}
    result = build(request, Reporter(lambda line: None))
    manifest = open_prepared(tmp_path / "prepared" / result["hash"]).manifest
    assert result["dropped"] == manifest["dropped"]["count"] == 1
    assert "damaged" in manifest["dropped"]["items"][0]["reason"]
    assert sum(split["count"] for split in manifest["splits"].values()) == 11


def test_nothing_left_to_train_on_is_refused_with_the_first_reason(tmp_path):
    version = written(tmp_path / "versions", [("train", 0, plain(1)), ("test", 1, plain(2))])
    for path in (version / "files").rglob("*.png"):
        path.write_bytes(b"x")
    request = {"version": str(version), "steps": [], "parent": str(tmp_path / "prepared")}
    with pytest.raises(Refused, match=r"train split.*damaged"):
        build(request, Reporter(lambda line: None))
    assert list((tmp_path / "prepared").iterdir()) == []


def test_pictures_of_different_sizes_without_resize_are_refused(tmp_path):
    with pytest.raises(Refused, match="resize"):
        built_here(tmp_path, mixed(), [{"step": "grayscale"}])


def test_progress_is_told_up_to_the_end(tmp_path):
    version = written(tmp_path / "versions", mixed())
    seen = []
    request = {"version": str(version), "steps": STEPS, "parent": str(tmp_path / "prepared")}
    outside.run("recipes.build:build", request, on_progress=seen.append)
    assert seen[-1] == 1
    assert seen == sorted(seen)
