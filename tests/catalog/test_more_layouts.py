"""Texts in class folders, pictures inside Parquet files, and lists with a row for each box."""

import io
import json
import random

import pyarrow
import pytest
from pyarrow import parquet

from catalog.tasks import IMPORT_LIMITS
from recipes.sandbox import outside
from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import SENTENCES, read
from tests.catalog.factories import picture

LATIN, GREEK = "Grüße aus Köln, schönes Café – größer als gedacht", "Η ταινία ήταν υπέροχη και θα την ξαναδώ"


def text_folders(each: int = 10) -> dict[str, bytes]:
    return {
        f"{label}/{n}.txt": f"{SENTENCES[kind]} {n}".encode()
        for kind, label in enumerate(("good", "bad"))
        for n in range(each)
    }


def huggingface(count: int = 20, **columns) -> bytes:
    """As `datasets` writes a set of pictures with named classes."""
    rows = [{"bytes": picture(seed=n), "path": f"{n}.png"} for n in range(count)]
    table = pyarrow.table({"image": rows, "label": [n % 2 for n in range(count)], **columns})
    names = {"info": {"features": {"label": {"names": ["pear", "apple", "never seen"], "_type": "ClassLabel"}}}}
    return written(table.replace_schema_metadata({"huggingface": json.dumps(names)}))


def written(table: pyarrow.Table) -> bytes:
    content = io.BytesIO()
    parquet.write_table(table, content, row_group_size=7)
    return content.getvalue()


def boxes(rows: list[str], header: str = "filename,width,height,class,xmin,ymin,xmax,ymax", count: int = 10):
    files = {f"pictures/{n}.png": picture(40, 30, seed=n) for n in range(count)}
    usual = [f"{n}.png,40,30,{('cat', 'dog')[n % 2]},4,5,14,13" for n in range(count)]
    return files | {"boxes.csv": "\n".join([header, *(rows or usual)]).encode()}


def test_texts_in_class_folders_become_a_text_classification(tmp_path):
    found = read(tmp_path, {"readme.md": b"not in a class"} | text_folders())
    assert (found.task, found.schema["layout"]) == ("text-classification", "text-folders")
    assert found.schema["classes"] == ["bad", "good"]
    item = found.items["good/3.txt"]
    assert (item.data, item.target) == ({"text": f"{SENTENCES[0]} 3"}, {"label": 1})
    assert found.reasons == {"readme.md": "The file lies in no class folder."}
    assert found.schema["detected"]["encoding"] == ["utf-8"]


def test_splits_of_text_folders_are_kept(tmp_path):
    files = {
        f"{split}/{name}": data + split.encode() for split in ("train", "test") for name, data in text_folders().items()
    }
    splits = read(tmp_path, files).result["splits"]
    assert (splits["test"]["count"], splits["train"]["count"] + splits["validation"]["count"]) == (20, 20)


@pytest.mark.parametrize(("words", "encoding"), [(LATIN, "cp1252"), (GREEK, "iso8859_7"), ("\ufeff" + LATIN, "utf-16")])
def test_the_encoding_of_texts_is_found_out_from_all_of_them_together(tmp_path, words, encoding):
    files = text_folders() | {f"good/old{n}.txt": f"{words} {n}".encode(encoding) for n in range(8)}
    found = read(tmp_path, files)
    assert found.items["good/old3.txt"].data["text"] == f"{words} 3".removeprefix("\ufeff")
    assert len(found.schema["detected"]["encoding"]) == 2


def test_texts_that_cannot_be_read_are_listed_each_with_its_reason(tmp_path):
    odd = {"good/none.txt": b"", "good/blank.txt": b" \n", "bad/zero.txt": b"a\x00b", "bad/odd.doc": b"words"}
    odd["good/large.txt"] = random.Random(0).randbytes(2**20 + 1)
    reasons = read(tmp_path, text_folders() | odd).reasons
    assert reasons["good/none.txt"] == reasons["good/blank.txt"] == "The text is empty."
    assert "zero bytes" in reasons["bad/zero.txt"]
    assert "only .txt and .md" in reasons["bad/odd.doc"]
    assert "larger than 1 MiB" in reasons["good/large.txt"]
    with pytest.raises(Refused, match="Stopped, as you asked"):
        read(tmp_path, text_folders() | {"good/none.txt": b""}, unreadable="stop")


def test_a_named_encoding_holds_for_all_texts(tmp_path):
    found = read(tmp_path, text_folders() | {"good/g.txt": GREEK.encode("iso8859_7")}, encoding="iso8859_7")
    assert found.items["good/g.txt"].data["text"] == GREEK


def test_pictures_inside_parquet_become_items_with_the_names_of_their_classes(tmp_path):
    found = read(tmp_path, huggingface(), name="data.parquet")
    assert (found.task, found.schema["layout"]) == ("image-classification", "parquet-pictures")
    assert found.schema["classes"] == ["pear", "apple"]
    assert len(found.items) == 20
    assert found.items["row 4"].target == {"label": 1}
    assert found.items["row 4"].width == 8


def test_pictures_inside_parquet_are_read_within_the_limits_of_the_child(tmp_path):
    (tmp_path / "upload").write_bytes(huggingface())
    source = {"path": str(tmp_path / "upload"), "name": "data.parquet"}
    request = {"source": source, "options": {}, "parent": str(tmp_path / "versions")}
    answer = outside.run("catalog.imports.work:import_dataset", request, limits=IMPORT_LIMITS)
    assert answer.result["items"] == 20, answer


def test_parquet_files_of_several_splits_keep_them(tmp_path):
    files = {
        f"data/{split}-00000-of-00001.parquet": huggingface(count) for split, count in (("train", 16), ("test", 6))
    }
    found = read(tmp_path, files)
    assert found.result["splits"]["test"]["count"] == 6
    assert found.items["data/test-00000-of-00001.parquet, row 5"].target == {"label": 0}


def test_plain_bytes_are_pictures_too_and_rows_without_one_are_listed(tmp_path):
    pictures = [picture(seed=n) for n in range(12)] + [None, b"not a picture"]
    table = pyarrow.table({"image": pictures, "label": ["cat", "dog"] * 7, "split": ["train"] * 14})
    with pytest.raises(Refused, match="at least two columns"):
        read(tmp_path, written(table.select(["image", "split"])), name="x.parquet")
    pictures[-1] = b"\x89PNG but broken"
    found = read(tmp_path, written(table.set_column(0, "image", [pictures])), name="x.parquet")
    assert len(found.items) == 12
    assert found.reasons["row 13"] == "The row holds no picture."
    assert "damaged" in found.reasons["row 14"] or "Not a picture" in found.reasons["row 14"]


def test_a_list_with_a_row_for_each_box_becomes_boxes(tmp_path):
    rows = [f"{n}.png,40,30,{('cat', 'dog')[n % 2]},4,5,14,13" for n in range(8)]
    rows += ["0.png,40,30,dog,20,6,30,12", "8.png,40,30,,,,,", "9.png,80,60,cat,1,1,5,5", "gone.png,40,30,cat,1,1,5,5"]
    rows += ["1.png,40,30,cat,9,9,x,12"]
    found = read(tmp_path, boxes(rows))
    assert (found.task, found.schema["layout"], found.schema["classes"]) == (
        "object-detection",
        "box-list",
        ["cat", "dog"],
    )
    assert found.items["pictures/0.png"].target == {"boxes": [[4.0, 5.0, 10.0, 8.0, 0], [20.0, 6.0, 10.0, 6.0, 1]]}
    assert found.items["pictures/8.png"].target == {"boxes": []}
    assert "80 × 60" in found.reasons["pictures/9.png"]
    assert "not there" in found.reasons["gone.png, row 12"]
    assert "four numbers and a class" in found.reasons["1.png, row 13"]


def test_boxes_may_be_given_by_their_size(tmp_path):
    rows = [f"{n}.png;{('cat', 'dog')[n % 2]};4,5;5;10;8" for n in range(10)]
    found = read(tmp_path, boxes(rows, "image;label;x;y;w;h"))
    assert found.items["pictures/3.png"].target == {"boxes": [[4.5, 5.0, 10.0, 8.0, 1]]}
