"""Prepared data of every kind: what a trainer reads."""

import numpy as np
import pytest

from recipes.prepared import verify
from recipes.sandbox.inside import Refused
from tests.recipes.pictures import noise, plain
from tests.recipes.rows import built, chats, column, labelled_texts, table, with_boxes

BYTES = {"step": "tokenise", "max_length": 12}


def text_of(tokens) -> str:
    return bytes(token - 4 for token in tokens if token >= 4).decode()


def test_texts_become_rows_of_bytes_padded_on_the_right(tmp_path):
    prepared = built(labelled_texts(tmp_path / "v", [("train", 1, "né"), ("test", 0, "a" * 40)]), [BYTES])
    train = prepared.split("train")
    assert train.column("tokens").tolist() == [[1, 114, 199, 173, 2, *[0] * 7]]
    assert train.column("label").tolist() == [1]
    assert prepared.manifest["input"] == {"column": "tokens", "dtype": "int32", "shape": [12]}
    assert prepared.manifest["text"] == {
        "tokenizer": {"kind": "bytes", "sha256": ""},
        "vocabulary": 260,
        "pad": 0,
        "max_length": 12,
        "texts": 2,
        "too_long": 1,
    }
    long = prepared.split("test").column("tokens")[0]
    assert (long[0], long[-1], text_of(long)) == (1, 2, "a" * 10)
    assert verify(prepared.directory) == prepared.hash


@pytest.mark.parametrize(("keep", "kept"), [("start", "abcd"), ("end", "efgh"), ("both", "abgh")])
def test_truncate_chooses_the_part_that_stays(tmp_path, keep, kept):
    version = labelled_texts(tmp_path / "v", [("train", 0, "abcdefgh")])
    steps = [{"step": "tokenise", "max_length": 6}, {"step": "truncate", "keep": keep}]
    assert text_of(built(version, steps).split("train").column("tokens")[0]) == kept


def test_a_language_model_learns_the_answers_only(tmp_path):
    version = chats(tmp_path / "v", [[("user", "hi?"), ("assistant", "yo"), ("user", "ok"), ("assistant", "bye")]])
    prepared = built(version, [{"step": "tokenise", "max_length": 64}])
    row = {name: prepared.split("train").column(name)[0] for name in ("tokens", "targets", "segment")}
    assert text_of(row["tokens"]) == "user: hi?\nassistant: yo\nuser: ok\nassistant: bye\n"
    learned = row["targets"][row["targets"] != -100]
    assert (text_of(learned), learned[-1]) == ("yo\nbye\n", 2)
    assert np.array_equal(row["segment"], (row["tokens"] != 0).astype(np.int32))
    assert np.array_equal(row["targets"][row["targets"] != -100], row["tokens"][row["targets"] != -100])
    assert prepared.manifest["target"] == {"column": "targets", "ragged": False}


def test_everything_is_learned_when_the_template_says_so(tmp_path):
    version = chats(tmp_path / "v", [[("user", "hi"), ("assistant", "yo")]])
    steps = [{"step": "chat-template", "loss_on": "everything"}, {"step": "tokenise", "max_length": 40}]
    targets = built(version, steps).split("train").column("targets")[0]
    assert text_of(targets[targets != -100]) == "user: hi\nassistant: yo\n"


def test_packing_puts_short_texts_into_one_row_and_tells_them_apart(tmp_path):
    talks = [[("user", str(number)), ("assistant", "x" * number)] for number in range(1, 8)]
    version = chats(tmp_path / "v", talks)
    plainly = built(version, [{"step": "tokenise", "max_length": 64}]).split("train")
    packed = built(version, [{"step": "tokenise", "max_length": 64}, {"step": "pack"}]).split("train")
    assert (len(plainly), len(packed)) == (7, 4)
    learned = [split.column("targets")[split.column("targets") != -100].tolist() for split in (plainly, packed)]
    assert learned[0] == learned[1]
    first = packed.column("segment")[0]
    assert sorted(set(first.tolist())) == [0, 1, 2]
    assert np.array_equal(first == 0, packed.column("tokens")[0] == 0)
    assert (np.diff(first[first > 0]) >= 0).all()


def test_a_table_becomes_numbers_by_what_the_train_split_shows(tmp_path):
    columns = [
        column("age", missing=1),
        column("colour", "category", 1, ["blue", "green", "red"]),
        column("old", "boolean"),
    ]
    rows = [
        ("train", [10, "red", True], 0),
        ("train", [30, "blue", False], 1),
        ("train", [None, "red", True], 1),
        ("test", [1000, "green", False], 1),
        ("test", [20, None, True], 0),
    ]
    prepared = built(table(tmp_path / "v", columns, rows), [{"step": "impute"}, {"step": "one-hot"}])
    assert prepared.manifest["features"] == ["age", "colour=blue", "colour=red", "old"]
    train = {tuple(row) for row in prepared.split("train").column("features").tolist()}
    assert train == {(10, 0, 1, 1), (30, 1, 0, 0), (20, 0, 1, 1)}
    test = {tuple(row) for row in prepared.split("test").column("features").tolist()}
    assert test == {(1000, 0, 0, 0), (20, 0, 0, 1)}
    assert prepared.manifest["input"] == {"column": "features", "dtype": "float32", "shape": [4]}
    assert prepared.manifest["target"] == {"column": "label", "ragged": False}


def test_standardised_columns_have_mean_0_and_deviation_1_over_train_alone(tmp_path):
    values = np.random.default_rng(1).normal(50, 7, 5000)
    rows = [("train", [value], value) for value in values] + [("test", [1e9], 0.0)]
    version = table(tmp_path / "v", [column("x")], rows, "tabular-regression")
    prepared = built(version, [{"step": "standardise"}])
    features = prepared.split("train").column("features").astype(np.float64)
    assert abs(features.mean()) < 1e-6
    assert abs(features.std() - 1) < 1e-6
    scale = prepared.manifest["target_scale"]
    assert scale["mean"] == pytest.approx(values.mean(), abs=1e-4)
    assert scale["std"] == pytest.approx(values.std(), abs=1e-4)
    assert prepared.split("train").column("value").dtype == np.float32


def test_a_constant_column_stays_finite(tmp_path):
    version = table(tmp_path / "v", [column("x")], [("train", [3], 0), ("train", [3], 1)])
    assert built(version, [{"step": "standardise"}]).split("train").column("features").tolist() == [[0], [0]]


@pytest.mark.parametrize(
    ("columns", "steps", "sentence"),
    [
        ([column("a", "category")], [], "Column 'a' holds words"),
        ([column("a", missing=2)], [], "Column 'a' has missing values"),
        ([column("a")], [{"step": "drop-columns", "columns": ["b"]}], "There is no column 'b'"),
        ([column("a")], [{"step": "drop-columns", "columns": ["a"]}], "No column is left"),
        ([column("a")], [{"step": "rgb"}], "works on image data"),
    ],
)
def test_a_recipe_that_leaves_a_table_unusable_is_refused(tmp_path, columns, steps, sentence):
    value = "w" if columns[0]["type"] == "category" else 1
    version = table(tmp_path / "v", columns, [("train", [value], 0)])
    with pytest.raises(ValueError if "works on" in sentence else Refused, match=sentence):
        built(version, steps)


def test_boxes_follow_their_picture(tmp_path):
    data = noise(1, (40, 20))
    version = with_boxes(tmp_path / "v", [("train", data, [[10, 5, 20, 10, 1]]), ("test", data, [])])
    steps = [{"step": "rgb"}, {"step": "resize", "size": [16, 16], "mode": "pad"}]
    prepared = built(version, steps)
    boxes = prepared.split("train").column("boxes")
    assert boxes.row(0).tolist() == [[4, 6, 12, 10, 1]]
    assert len(prepared.split("test").column("boxes").row(0)) == 0
    assert prepared.manifest["target"] == {"column": "boxes", "ragged": True}
    assert prepared.manifest["boxes"] == {"kept": 1, "vanished": 0}


def test_several_classes_an_item_become_a_row_of_zeros_and_ones(tmp_path):
    pictures = [("train", plain(1), [0, 2]), ("train", plain(2), [])]
    version = with_boxes(tmp_path / "v", pictures, task="image-classification", key="labels")
    prepared = built(version, [])
    assert sorted(prepared.split("train").column("labels").tolist()) == [[0, 0, 0], [1, 0, 1]]
    assert prepared.manifest["target"] == {"column": "labels", "ragged": False, "multi": True}


@pytest.mark.parametrize(("method", "count"), [("oversample", 9), ("undersample", 3)])
def test_balance_evens_out_the_classes_of_the_train_split(tmp_path, method, count):
    texts = [("train", 0, f"a{n}") for n in range(9)] + [("train", 1, f"b{n}") for n in range(3)]
    version = labelled_texts(tmp_path / "v", [*texts, ("test", 0, "c"), ("test", 0, "d")])
    prepared = built(version, [{"step": "balance", "method": method}, BYTES])
    assert np.bincount(prepared.split("train").column("label")).tolist() == [count, count]
    assert prepared.split("test").column("label").tolist() == [0, 0]
    tokens = prepared.split("train").column("tokens")
    assert len({text_of(row) for row in tokens}) == (12 if method == "oversample" else 6)


@pytest.mark.parametrize("step", [{"step": "balance"}, {"step": "randomise-labels", "epsilon": 1}])
def test_what_needs_one_class_an_item_is_refused_for_other_data(tmp_path, step):
    version = with_boxes(tmp_path / "v", [("train", plain(1), [[0, 0, 2, 2, 1]])])
    with pytest.raises(Refused, match="every item is of one class"):
        built(version, [step], key="00" * 32)


def test_numbers_are_no_words_to_redact(tmp_path):
    version = table(tmp_path / "v", [column("phone")], [("train", [4930123456], 0)])
    with pytest.raises(Refused, match="'phone' holds numbers"):
        built(version, [{"step": "redact", "columns": ["phone"]}])


def test_a_tokenizer_of_a_model_is_used_with_its_own_special_tokens(tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "good": 4, "film": 5}
    made = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    (tmp_path / "model").mkdir()
    made.save(str(tmp_path / "model" / "tokenizer.json"))
    names = '{"pad_token": "[PAD]", "cls_token": {"content": "[CLS]"}, "sep_token": "[SEP]"}'
    (tmp_path / "model" / "tokenizer_config.json").write_text(names)
    version = labelled_texts(tmp_path / "v", [("train", 0, "good film indeed")])
    steps = [{"step": "tokenise", "model": "mine", "max_length": 6}]
    prepared = built(version, steps, tokenizers={"mine": str(tmp_path / "model")})
    assert prepared.split("train").column("tokens").tolist() == [[1, 4, 5, 3, 2, 0]]
    text = prepared.manifest["text"]
    assert (text["tokenizer"]["kind"], text["vocabulary"], text["pad"]) == ("model", 6, 0)
    assert len(text["tokenizer"]["sha256"]) == 64
    with pytest.raises(Refused, match="not on this server"):
        built(version, steps)
