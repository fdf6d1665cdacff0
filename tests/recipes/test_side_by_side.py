"""The build in several processes: the same bytes, the same blame for a death, and memory that does not grow."""

import numpy as np
import pytest
from PIL import Image

from recipes.builds.batch import Batch
from recipes.builds.side_by_side import in_order
from recipes.prepared import open_prepared, verify
from recipes.sandbox import outside
from recipes.sandbox.inside import Refused
from recipes.sandbox.outside import Limits
from recipes.version import file_of, read_items
from tests.recipes.pictures import encoded, plain, written
from tests.recipes.rows import built, chats, labelled_texts

MANY = 260
GRAY = [{"step": "grayscale"}, {"step": "resize", "size": [8, 8]}, {"step": "normalise"}]


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    items = [
        ("train" if number % 4 else "test", number % 2, plain(number % 256, (5, 4 + number // 256)))
        for number in range(MANY)
    ]
    return written(tmp_path_factory.mktemp("many") / "versions", items)


@pytest.mark.parametrize("processes", [2, 3, 5])
def test_the_number_of_processes_changes_no_byte(version, processes):
    steps = [{"step": "shuffle", "seed": 5}, {"step": "add-noise", "scale": 9}, *GRAY[:2]]
    assert built(version, steps).hash == built(version, steps, processes=processes).hash


def test_texts_are_packed_the_same_by_several_processes(tmp_path):
    talks = chats(tmp_path / "v", [[("user", "x" * (n % 40)), ("assistant", str(n))] for n in range(1200)])
    steps = [{"step": "tokenise", "max_length": 96}, {"step": "pack"}]
    assert built(talks, steps).hash == built(talks, steps, processes=3).hash
    texts = labelled_texts(tmp_path / "w", [("train", n % 2, f"call +49 30 {n:07} now") for n in range(1200)])
    one = built(texts, [{"step": "redact"}, {"step": "tokenise"}])
    assert one.hash == built(texts, [{"step": "redact"}, {"step": "tokenise"}], processes=3).hash
    assert one.manifest["obfuscation"][0]["report"] == {"phone": 1200}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_picture_that_kills_its_reader_is_named_and_can_be_left_out(version, tmp_path, processes):
    items = list(read_items(version))
    deadly = items[211]
    request = {"version": str(version), "steps": GRAY, "parent": str(tmp_path), "processes": processes}
    request |= {"deadly": str(file_of(version, deadly))}
    answer = outside.run("tests.recipes.sandbox_work:die_at_a_picture", request)
    assert "signal 11" in answer.died
    assert answer.at == deadly.file
    skipped = outside.run("tests.recipes.sandbox_work:die_at_a_picture", request | {"skip": {deadly.file: "It kills."}})
    prepared = open_prepared(tmp_path / skipped.result["hash"])
    same = [item for item in items if item.sha256 == deadly.sha256]
    assert prepared.manifest["dropped"]["count"] == len(same) >= 1
    assert verify(prepared.directory) == prepared.hash


@pytest.mark.parametrize("error", [MemoryError(), Refused("%(who)s cannot.", who="Ann")])
def test_what_a_user_can_act_on_comes_out_of_the_process_that_met_it(error):
    def make(numbers, at):
        if 3 in numbers:
            raise error
        return Batch(np.zeros(len(numbers), np.uint8), {"x": np.array(numbers)}, items=len(numbers))

    made = in_order(make, [[0, 1], [2], [3]], 2, lambda number, name: None, str)
    assert [next(made).columns["x"].tolist() for _ in range(2)] == [[0, 1], [2]]
    with pytest.raises(type(error), match=str(error)):
        next(made)


def test_a_source_of_512_mib_decoded_is_built_in_51_mib_above_the_start(tmp_path):
    side, count = 1000, 180
    ramp = np.add.outer(np.arange(side), np.arange(side)).astype(np.uint8)
    items = []
    for number in range(count):
        pixels = np.stack([ramp + number, ramp[::-1], ramp.T - number], -1)
        items.append(("train", number % 2, encoded(Image.fromarray(pixels), "JPEG", quality=60)))
    assert side * side * 3 * count >= 512 * 2**20
    version = written(tmp_path / "versions", items)
    every_pixel = {"step": "fill-region", "regions": [[0, 0, 0.1, 0.1]]}  # before a resize alone some would be skipped
    steps = [every_pixel, {"step": "resize", "size": [128, 128]}]
    request = {"version": str(version), "steps": steps, "parent": str(tmp_path)}
    answer = outside.run("tests.recipes.sandbox_work:measured_build", request, limits=Limits(memory_bytes=2**29))
    assert answer.result, answer
    assert answer.result["grown"] <= 51.2 * 2**20
