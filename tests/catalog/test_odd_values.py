"""Values that no float, no file and no net can hold (S42, S39): left out by row, or refused with a sentence."""

import datetime
import io
import json
from decimal import Decimal

import pyarrow
import pytest
from pyarrow import parquet

from catalog.imports.facts.numbers import histogram
from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import SENTENCES, coco, read
from tests.catalog.factories import picture

HUGE = "9" * 400


def rows(size: str) -> bytes:
    """JSON lines of numbers with a class; `size` stands in row 41."""
    usual = [json.dumps({"size": n * 1.5, "weight": n % 7, "y": "ab"[n % 2]}) for n in range(40)]
    return "\n".join([*usual, f'{{"size": {size}, "weight": 3, "y": "a"}}']).encode()


def parquet_of(**columns) -> bytes:
    content = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), content)
    return content.getvalue()


@pytest.mark.parametrize("number", [HUGE, "1e400", "-1e400", "1e39", "NaN", "Infinity"])
def test_a_number_that_no_float_holds_is_a_missing_value(tmp_path, number):
    """S42"""
    found = read(tmp_path, rows(number), "a.jsonl")
    assert [column["type"] for column in found.schema["columns"]] == ["number", "number"]
    assert found.items["row 41"].data == {"values": [None, 3]}


def test_a_number_of_5000_digits_is_listed_with_its_row(tmp_path):
    """S42"""
    found = read(tmp_path, rows("9" * 5000), "a.jsonl")
    assert "Exceeds the limit" in found.reasons["row 41"]


def test_one_value_beyond_all_bounds_makes_no_classes_of_a_column_of_numbers(tmp_path):
    """S42"""
    lines = "".join(f"{n % 9},{n * 1.7}\n" for n in range(40))
    found = read(tmp_path, f"size,price\n{lines}3,1e400\n4,inf\n-inf,7.5\n".encode(), "a.csv")
    assert found.task == "tabular-regression"
    assert found.reasons == {"row 41": "'price' is no number here.", "row 42": "The row has no label."}
    assert found.items["row 43"].data == {"values": [None]}


def test_what_is_no_number_in_a_parquet_file_is_no_label(tmp_path):
    labels = [0.0, 1.0] * 19 + [float("nan"), float("inf")]
    found = read(tmp_path, parquet_of(size=[float(n % 9) for n in range(40)], y=labels), "a.parquet")
    assert found.schema["classes"] == ["0", "1"]
    assert found.reasons == {"row 39": "The row has no label.", "row 40": "The row has no label."}


@pytest.mark.parametrize(
    "value",
    [[datetime.datetime(2026, 1, 2)], [b"\x00"], {"price": Decimal("1.50")}],
    ids=["times", "bytes", "decimals"],
)
def test_values_inside_values_of_a_parquet_file_are_read_as_text(tmp_path, value):
    data = parquet_of(inner=[value] * 40, size=[n % 4 for n in range(40)], y=["a", "b"] * 20)
    text = read(tmp_path, data, "a.parquet").items["row 1"].data["values"][0]
    assert isinstance(text, str)
    assert text[0] in "[{"


@pytest.mark.parametrize(
    ("text", "reason"), [(r"half \ud800 of it", "half a character"), (r"zero \u0000 here", "a zero character")]
)
def test_text_that_no_file_can_hold_is_left_out_by_its_row_and_refused_in_a_list(tmp_path, text, reason):
    """S39"""
    usual = [json.dumps({"text": f"{SENTENCES[n % 2]} {n} \N{GRINNING FACE}", "label": "ab"[n % 2]}) for n in range(30)]
    odd = f'{{"text": "{text}", "label": "a"}}'
    found = read(tmp_path, "\n".join([*usual, odd]).encode(), "a.jsonl")
    assert len(found.items) == 30
    assert reason in found.reasons["row 31"]
    with pytest.raises(Refused, match=reason):
        read(tmp_path, f"[{','.join([*usual, odd])}]".encode(), "a.json")
    with pytest.raises(Refused, match=f"'annotations.json' is not JSON.*{reason}"):
        read(tmp_path, coco() | {"annotations.json": coco()["annotations.json"].replace(b"cat", text.encode())})


def test_a_backslash_before_what_looks_like_one_is_text(tmp_path):
    lines = [json.dumps({"text": rf"C:\u0000\ud800 {SENTENCES[n % 2]} {n}", "label": n % 2}) for n in range(30)]
    found = read(tmp_path, "\n".join(lines).encode(), "a.jsonl")
    assert len(found.items) == 30
    assert found.items["row 1"].data["text"].startswith(r"C:\u0000\ud800")


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"bbox": [int(HUGE), 1, 2, 3]}, "neither a box nor a polygon of numbers"),
        ({"bbox": [float("nan"), 1, 2, 3]}, "neither a box nor a polygon of numbers"),
        ({"segmentation": [[int(HUGE), 1, 2, 3, 4, 5]]}, "neither a box nor a polygon of numbers"),
        ({"bbox": [1e39, 1, 2, 3]}, "neither a box nor a polygon of numbers"),
        ({"bbox": [1, 1, 2, 3], "category_id": [3]}, "not in the list of categories"),
    ],
)
def test_boxes_of_what_is_no_number_are_listed_by_id(tmp_path, annotation, reason):
    """S42"""
    found = read(tmp_path, coco(annotations=[{"id": 500, "image_id": 0, "category_id": 3} | annotation]))
    assert reason in found.reasons["00.png, annotation 500"]
    assert len(found.items) == 12


@pytest.mark.parametrize("image_id", [7, [0], {"id": 0}, None])
def test_an_annotation_of_no_listed_image_is_listed_by_id(tmp_path, image_id):
    odd = {"id": 501, "image_id": image_id, "category_id": 3, "bbox": [1, 1, 2, 3]}
    found = read(tmp_path, coco(annotations=[odd]))
    assert found.reasons == {"annotation 501": "Its image is not in the list of images."}


def test_a_picture_that_coco_lists_twice_keeps_its_boxes_of_the_first_time(tmp_path):
    found = read(tmp_path, coco(images=[{"id": 999, "file_name": "03.png", "width": 40, "height": 30}]))
    assert found.reasons == {"03.png": "The list names this picture twice."}
    assert len(found.items["images/03.png"].target["boxes"]) == 1


def test_a_row_of_a_list_of_boxes_with_a_number_beyond_all_bounds_is_listed(tmp_path):
    """S42"""
    box = {"x": 1, "y": 1, "height": 4}
    told = [{"image": f"{n}.png", "label": "ab"[n % 2], "width": int(HUGE) if n == 3 else 5} | box for n in range(10)]
    files = {f"{n}.png": picture(40, 30, seed=n) for n in range(10)} | {"boxes.json": json.dumps(told).encode()}
    assert read(tmp_path, files).reasons == {"3.png, row 4": "A box needs four numbers and a class."}


@pytest.mark.parametrize("values", [[1e30, 1e30], [-3e38, 3e38], [1e30, 1.0000000000000002e30]])
def test_numbers_too_near_or_too_far_for_each_other_have_a_histogram(values):
    shown = histogram(values)
    assert sum(shown["counts"]) == 2
    assert len(shown["edges"]) == len(shown["counts"]) + 1
