"""Files of every kind with bytes or values changed at random: each becomes data, or is refused with a sentence."""

import io
import json
import random
import zipfile
from typing import Any

import pytest

from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import SENTENCES, coco, read, tarred, texts_csv, voc, yolo
from tests.catalog.factories import class_folders, zipped
from tests.catalog.test_layouts import listed
from tests.catalog.test_more_layouts import boxes, huggingface, text_folders
from tests.catalog.test_tables import numbers_csv

EACH = 60
"""changed files of each kind; thousands more found nothing (2026-12-01)"""
ROWS = [{"a": n * 1.5, "b": [n], "c": {"x": n}, "y": "ab"[n % 2]} for n in range(12)]
CHATS = [{"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": str(n)}]} for n in range(8)]
PICTURES = [{"image": f"image{n}.png", "label": n % 2} for n in range(10)]
BOXES = [row | {"x": 1, "y": 1, "width": 3, "height": 4} for row in PICTURES]
ODD: list[Any] = [None, True, "", [], {}, -1, 1e308, 10**30, 0.5, "x", "\u202e", "NaN", [[]], {"a": 1}, ["a", "b"]]


def stored(files: dict[str, bytes]) -> bytes:
    """A zip that packs nothing, so that changed bytes meet whoever reads what is inside."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


FILES = {
    "zip": (zipped(class_folders(each=4)), "a.zip"),
    "tar": (tarred(class_folders(each=4), "w"), "a.tar"),
    "tar.gz": (tarred(class_folders(each=4)), "a.tar.gz"),
    "coco": (stored(coco(6)), "a.zip"),
    "yolo": (stored(yolo(6)), "a.zip"),
    "voc": (stored(voc(6)), "a.zip"),
    "list": (stored(listed(PICTURES)), "a.zip"),
    "boxes": (stored(boxes([])), "a.zip"),
    "texts": (zipped(text_folders(4)), "a.zip"),
    "csv": (texts_csv(20).encode(), "a.csv"),
    "decimal commas": (numbers_csv(20, ";", ",").encode(), "a.csv"),
    "json": (json.dumps(ROWS).encode(), "a.json"),
    "parquet": (huggingface(12, text=[f"{SENTENCES[n % 2]} {n}" for n in range(12)]), "a.parquet"),
}


def changed(data: bytes, chance: random.Random) -> bytes:
    """Bytes replaced, removed, put in or cut off."""
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        place, few = chance.randrange(len(found)), chance.randint(1, 30)
        kind = chance.choice(["one", "one", "run", "out", "in", "limit"])
        if kind == "one":
            found[place] ^= 1 << chance.randrange(8)
        else:
            new = {"run": chance.randbytes(few), "out": b"", "in": chance.randbytes(few), "limit": b"\xff\xff\xff\xff"}[
                kind
            ]
            found[place : place + (0 if kind == "in" else few if kind == "out" else len(new))] = new
        found = found or bytearray(b"x")
    return bytes(found)


def replaced(value: Any, chance: random.Random) -> Any:
    """Somewhere in lists and objects another value, or none."""
    if isinstance(value, dict | list) and value and chance.random() < 0.8:
        key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if isinstance(value, dict) and chance.random() < 0.1:
            return {name: inner for name, inner in value.items() if name != key}
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        copy[key] = replaced(value[key], chance)
        return copy
    return chance.choice(ODD)


def is_answered(tmp_path, data: bytes, name: str) -> None:
    try:
        read(tmp_path, data, name)
    except Refused as refused:
        assert json.dumps(refused.params) and refused.sentence % refused.params


@pytest.mark.parametrize("kind", FILES)
def test_changed_bytes_have_an_answer(tmp_path, kind):
    data, name = FILES[kind]
    for seed in range(EACH):
        is_answered(tmp_path, changed(data, random.Random(seed)), name)


@pytest.mark.parametrize("rows", [ROWS, CHATS], ids=["columns", "chats"])
def test_changed_values_of_json_have_an_answer(tmp_path, rows):
    for seed in range(EACH):
        is_answered(tmp_path, json.dumps(replaced(rows, random.Random(seed))).encode(), "a.json")


@pytest.mark.parametrize("rows", [PICTURES, BOXES, coco(6)], ids=["list", "boxes", "coco"])
def test_changed_values_beside_pictures_have_an_answer(tmp_path, rows):
    for seed in range(EACH):
        chance = random.Random(seed)
        if isinstance(rows, list):
            is_answered(tmp_path, stored(listed(replaced(rows, chance))), "a.zip")
        else:
            told = replaced(json.loads(rows["annotations.json"]), chance)
            is_answered(tmp_path, stored(rows | {"annotations.json": json.dumps(told).encode()}), "a.zip")
