"""Archives whose list of labels has rotted: what hangs on it is not taken for data without labels."""

import io
import json
import struct

import pyarrow
import pytest
from pyarrow import parquet

from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import coco, read, texts_csv, voc, yolo
from tests.catalog.factories import picture, zipped

CHECKSUM = "its checksum does not fit"


def rotten(files: dict[str, bytes], name: str) -> bytes:
    """A zip in which the bytes of `name` do not fit their checksum."""
    data = bytearray(zipped(files))
    place = data.index(b"PK\x01\x02")
    while data[place + 46 : place + 46 + struct.unpack_from("<H", data, place + 28)[0]] != name.encode():
        place = data.index(b"PK\x01\x02", place + 4)
    data[place + 16] ^= 0xFF
    return bytes(data)


def pictures_in_parquet() -> bytes:
    content = io.BytesIO()
    columns = {"image": [picture(seed=n) for n in range(20)], "label": [n % 2 for n in range(20)]}
    parquet.write_table(pyarrow.table(columns), content)
    return content.getvalue()


def listed_pictures() -> dict[str, bytes]:
    told = [{"image": f"{n}.png", "label": n % 2} for n in range(10)]
    return {f"{n}.png": picture(seed=n) for n in range(10)} | {"labels.json": json.dumps(told).encode()}


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (coco(), "annotations.json"),
        (yolo(), "data.yaml"),
        ({n: d for n, d in yolo().items() if n != "data.yaml"} | {"classes.txt": b"cat\ndog\n"}, "classes.txt"),
        (voc(), "Annotations/03.xml"),
        (voc() | {"ImageSets/Main/train.txt": b"00\n01\n"}, "ImageSets/Main/train.txt"),
        (listed_pictures(), "labels.json"),
        ({"train.csv": texts_csv().encode(), "test.csv": texts_csv(10).encode()}, "test.csv"),
    ],
    ids=["coco", "yolo", "classes.txt", "voc", "voc splits", "list", "table"],
)
def test_a_list_that_has_rotted_is_refused_by_its_name(tmp_path, files, name):
    with pytest.raises(Refused, match=f"'{name}' cannot be read: .*{CHECKSUM}"):
        read(tmp_path, rotten(files, name))


def test_a_picture_whose_boxes_have_rotted_is_left_out_and_is_no_picture_without_objects(tmp_path):
    found = read(tmp_path, rotten(yolo(), "labels/train/03.txt"))
    assert len(found.items) == 11
    assert CHECKSUM in found.reasons["images/train/03.png"]


def test_a_parquet_file_of_pictures_that_has_rotted_is_refused(tmp_path):
    with pytest.raises(Refused, match="The Parquet file is damaged"):
        read(tmp_path, rotten({"data.parquet": pictures_in_parquet()}, "data.parquet"))
