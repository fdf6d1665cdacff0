"""Copies: exact ones, near ones, and what leaks from train into a test."""

import io
import random

import pytest
from PIL import Image, ImageFilter

from catalog import queries
from catalog.imports import near_rows
from tests.catalog.data_factories import SENTENCES, read, texts_csv
from tests.catalog.factories import imported, picture, version_of


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


def people(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [
        f"{chance.uniform(1, 99):.3f},{chance.choice(PLACES)} street {chance.randrange(900)},"
        f"{chance.gauss(50, 9):.4f},{chance.randrange(10_000)},{'ab'[n % 2]}"
        for n in range(count)
    ]


PLACES = ("North", "South", "East", "West")
HEADER = "weight,place,height,code,y"


def leaks_of(tmp_path, train: list[str], test: list[str], header: str = HEADER) -> dict:
    files = {"train.csv": "\n".join([header, *train]).encode(), "test.csv": "\n".join([header, *test]).encode()}
    return read(tmp_path, files).schema["leaks"]


def test_rows_that_differ_in_capitals_late_digits_or_one_column_are_near_copies(tmp_path):
    train, test = people(300, 1), people(60, 2)
    train[7] = "12.345,North street 12,51.1111,4321,a"
    train[8] = "22.345,South street 13,52.2222,5432,b"
    test[3] = "12.349, NORTH  street 12.,51.1149,4321,a"
    test[4] = "22.345,South street 13,52.2222,9999,b"
    leaks = leaks_of(tmp_path, train, test)
    assert (leaks["exact"], leaks["near"]) == (0, 2)
    pairs = {pair["a"]: (pair["b"], pair["likeness"]) for pair in leaks["pairs"]}
    assert pairs == {
        "test.csv, row 4": ("train.csv, row 8", 1.0),
        "test.csv, row 5": ("train.csv, row 9", 0.75),
    }


def test_rows_of_few_possible_values_are_alike_by_chance_and_no_near_copies(tmp_path):
    chance = random.Random(3)
    rows = [
        f"{chance.randrange(60)},{chance.randrange(4)},{chance.choice('xyz')},{chance.randrange(9)},{'ab'[n % 2]}"
        for n in range(400)
    ]
    assert leaks_of(tmp_path, rows[:300], rows[300:])["near"] == 0


@pytest.mark.django_db
def test_the_warning_of_near_copies_says_what_to_do():
    train = people(300, 1)
    test = [*people(60, 2), train[7].replace("street", "STREET")]
    files = {"train.csv": "\n".join([HEADER, *train]).encode(), "test.csv": "\n".join([HEADER, *test]).encode()}
    warnings = queries.warnings(version_of(imported(files)))
    (text,) = [row["text"] for row in warnings if row["kind"] == "near-leak"]
    assert text.startswith("1 example of validation or test is nearly the same")
    assert "make a clean version" in text and "group column" in text


def test_as_many_rows_as_stated_are_compared(monkeypatch):
    rows = [[n * 1.001, str(n), n * 37.1, f"a{n}"] for n in range(100)]
    rows.append([*rows[5][:3], "other"])
    splits = ["train"] * 100 + ["test"]
    assert near_rows.near_pairs(rows, splits) == [(100, 5, 0.75)]
    monkeypatch.setattr(near_rows, "MOST_VALUES", 400)
    assert near_rows.near_pairs(rows, splits) == []
    assert near_rows.near_pairs([], []) == []
