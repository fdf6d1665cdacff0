"""One item to try a model on becomes what the build would have made of it."""

import base64

import numpy as np
import pytest
from PIL import Image

from recipes.one_item import prepare_one, words_of
from recipes.sandbox.inside import Refused, Reporter
from recipes.version import file_of, read_items
from tests.recipes.pictures import encoded, noise, plain, written
from tests.recipes.rows import built, chats, column, labelled_texts, table

SILENT = Reporter(lambda line: None)
GREY = [{"step": "grayscale"}, {"step": "resize", "size": [8, 8]}]


@pytest.fixture
def place(tmp_path):
    found = tmp_path / "place"
    found.mkdir()
    return found


def tried(version, prepared, place, given, steps, **more):
    manifest = prepared.manifest
    request = {
        "version": str(version),
        "steps": steps,
        "place": str(place),
        "shape": manifest["input"]["shape"],
        "target": manifest["target"]["column"],
        "given": given,
        **more,
    }
    return prepare_one(request, SILENT)


def row_of(answer) -> np.ndarray:
    return np.frombuffer(base64.b64decode(answer["row"]), answer["dtype"]).reshape(answer["shape"])


def picture(data: bytes) -> dict[str, str]:
    return {"image": base64.b64encode(data).decode()}


def test_a_picture_gets_the_pixels_that_the_build_gave_it(tmp_path, place):
    version = written(tmp_path / "v", [("train", 0, noise(1)), ("test", 1, noise(2))])
    prepared = built(version, GREY)
    item = list(read_items(version))[1]
    answer = tried(version, prepared, place, picture(file_of(version, item).read_bytes()), GREY)
    assert np.array_equal(row_of(answer), prepared.split("test").column("image")[0])
    assert base64.b64decode(answer["picture"]).startswith(b"\x89PNG")


def test_a_coloured_picture_becomes_grey_where_the_data_were(tmp_path, place):
    steps = [{"step": "resize", "size": [8, 8]}]
    version = written(tmp_path / "v", [("train", 0, plain(10)), ("train", 1, plain(200))])
    answer = tried(version, built(version, steps), place, picture(noise(3)), steps)
    assert answer["shape"] == [1, 8, 8]


def test_a_picture_of_another_size_is_refused_where_no_step_resizes(tmp_path, place):
    version = written(tmp_path / "v", [("train", 0, plain(10)), ("train", 1, plain(200))])
    prepared = built(version, [])
    with pytest.raises(Refused, match="4 × 4 pixels and its recipe resizes none: this one becomes 9 × 5"):
        tried(version, prepared, place, picture(plain(3, (9, 5))), [])


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(Image.new("RGB", (40, 40)), "PNG")[:60]])
def test_what_is_no_whole_picture_is_refused_with_why(tmp_path, place, data):
    version = written(tmp_path / "v", [("train", 0, plain(10)), ("train", 1, plain(200))])
    with pytest.raises(Refused, match=r"empty|Not a picture|damaged"):
        tried(version, built(version, GREY), place, picture(data), GREY)


def test_a_text_gets_the_tokens_that_the_build_gave_it(tmp_path, place):
    version = labelled_texts(tmp_path / "v", [("train", 0, "mail a@b.org now"), ("train", 1, "no")])
    steps = [{"step": "redact"}, {"step": "tokenise", "max_length": 12}]
    prepared = built(version, steps)
    (text,) = [item.data for item in read_items(version) if "mail" in item.data["text"]]
    tokens = row_of(tried(version, prepared, place, text, steps))
    assert tokens.tolist() in prepared.split("train").column("tokens").tolist()


def test_a_row_is_changed_by_what_was_learned_of_the_whole_train_split(tmp_path, place):
    rows = [("train", [n, "ab"[n % 2]], n % 2) for n in range(10)]
    version = table(tmp_path / "v", [column("n"), column("c", "category")], rows)
    steps = [{"step": "one-hot"}, {"step": "standardise"}]
    prepared = built(version, steps)
    answer = tried(version, prepared, place, {"values": [3, "b"]}, steps)
    assert row_of(answer).tolist() in prepared.split("train").column("features").tolist()


def test_a_prompt_ends_where_the_answer_begins_and_its_answer_becomes_words(tmp_path, place):
    version = chats(tmp_path / "v", [[("user", "hi"), ("assistant", "yo")]])
    steps = [{"step": "tokenise", "max_length": 40}]
    prepared = built(version, steps)
    asked = {"messages": [{"role": "user", "content": "hi"}]}
    answer = tried(version, prepared, place, asked, steps)
    prompt = row_of(answer).tolist()
    assert prepared.split("train").column("tokens")[0][: len(prompt)].tolist() == prompt
    assert (answer["length"], answer["end"]) == (40, 2)
    assert words_of({"tokens": prompt, "model": "", "tokenizers": {}}, SILENT)["text"] == "user: hi\nassistant: "
    with pytest.raises(Refused, match="reads 40"):
        tried(version, prepared, place, {"messages": [{"role": "user", "content": "hi" * 40}]}, steps)
