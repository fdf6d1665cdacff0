"""Copies: exact ones, near ones, and what leaks from train into a test."""

import io

from PIL import Image, ImageFilter

from tests.catalog.data_factories import SENTENCES, read, texts_csv
from tests.catalog.factories import picture


def photo(seed: int, quality: int = 0) -> bytes:
    """Soft shapes in colour, as PNG or (with `quality`) as JPEG."""
    content = io.BytesIO()
    image = Image.open(io.BytesIO(picture(12, 12, seed=seed))).resize((96, 96), Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(2))
    image.save(content, "JPEG", quality=quality) if quality else image.save(content, "PNG")
    return content.getvalue()


def given_splits(count: int = 8) -> dict[str, bytes]:
    return {
        f"{split}/{label}/{n}.png": photo(1000 * place + 100 * kind + n)
        for place, split in enumerate(("train", "val", "test"))
        for kind, label in enumerate(("cat", "dog"))
        for n in range(count)
    }


def test_a_planted_copy_across_splits_is_named_with_both_names(tmp_path):
    files = given_splits()
    files["test/cat/copy.png"] = files["train/cat/3.png"]
    leaks = read(tmp_path, files).schema["leaks"]
    assert (leaks["exact"], leaks["near"]) == (1, 0)
    (pair,) = leaks["pairs"]
    assert (pair["a"], pair["b"], pair["kind"]) == ("test/cat/copy.png", "train/cat/3.png", "exact")


def test_a_recompressed_picture_is_a_near_copy_and_different_ones_are_none(tmp_path):
    files = given_splits()
    files["test/cat/again.jpg"] = photo(3, quality=60)
    leaks = read(tmp_path, files).schema["leaks"]
    assert (leaks["exact"], leaks["near"]) == (0, 1)
    assert (leaks["pairs"][0]["a"], leaks["pairs"][0]["b"]) == ("test/cat/again.jpg", "train/cat/3.png")


def test_texts_that_differ_in_capitals_or_a_word_are_near_copies(tmp_path):
    long = "it was the best of times and it was the worst of times for everybody who lived in the two cities"
    other = texts_csv(20).replace("film", "play").replace("story", "plot")
    train, test = texts_csv() + f"{long},good\n", other + f"{SENTENCES[0].upper()}  4!,good\n{long} then,good\n"
    leaks = read(tmp_path, {"train.csv": train.encode(), "test.csv": test.encode()}).schema["leaks"]
    pairs = {pair["a"]: pair["b"] for pair in leaks["pairs"]}
    assert leaks["exact"] == 0
    assert pairs["test.csv, row 21"] == "train.csv, row 5"
    assert pairs["test.csv, row 22"] == "train.csv, row 41"


def test_equal_rows_with_other_labels_are_counted_as_contradictions(tmp_path):
    data = texts_csv() + f"{SENTENCES[0]} 0,bad\n{SENTENCES[1]} 1,bad\n"
    schema = read(tmp_path, data.encode(), "a.csv").schema
    assert (schema["duplicates"], schema["contradictions"]) == (2, 1)
    assert schema["leaks"]["exact"] == 0
