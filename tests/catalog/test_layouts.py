"""Layouts: what files mean by how they lie, and what is answered when they do not mean anything."""

import json

import pytest

from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import coco, read, tarred, texts_csv, voc, voc_xml, yolo
from tests.catalog.factories import class_folders, picture


def listed(entries: list[dict], count: int = 10) -> dict[str, bytes]:
    files = {f"image{n}.png": picture(seed=n) for n in range(count)}
    return files | {"labels.json": json.dumps(entries).encode()}


def test_coco_becomes_boxes_in_pixels_with_ids_made_dense(tmp_path):
    found = read(tmp_path, coco())
    assert (found.task, found.schema["layout"], found.schema["classes"]) == ("object-detection", "coco", ["cat", "dog"])
    assert found.items["images/03.png"].target == {"boxes": [[7.0, 5.0, 10.0, 8.0, 1]]}
    assert found.schema["boxes"]["count"] == 12
    assert sum(split["classes"]["dog"] for split in found.result["splits"].values()) == 6
    assert "annotations.json" in found.schema["why"] % found.schema["why_params"]


def test_coco_takes_polygons_leaves_crowds_out_and_lists_what_has_no_box(tmp_path):
    odd = [
        {"id": 100, "image_id": 0, "category_id": 3, "segmentation": [[2, 3, 12, 3, 12, 9, 2, 9]]},
        {"id": 101, "image_id": 0, "category_id": 3, "bbox": [1, 1, 30, 20], "iscrowd": 1},
        {"id": 102, "image_id": 0, "category_id": 3},
        {"id": 103, "image_id": 0, "category_id": 77, "bbox": [1, 1, 5, 5]},
    ]
    found = read(tmp_path, coco(annotations=odd))
    assert found.items["images/00.png"].target["boxes"] == [[4.0, 5.0, 10.0, 8.0, 0], [2.0, 3.0, 10.0, 6.0, 0]]
    assert found.schema["detected"]["crowds"] == 1
    assert "neither a box nor a polygon" in found.reasons["00.png, annotation 102"]
    assert "not in the list of categories" in found.reasons["00.png, annotation 103"]


def test_boxes_outside_or_without_size_are_left_out_by_id_and_others_are_cut(tmp_path):
    odd = [
        {"id": 200, "image_id": 0, "category_id": 3, "bbox": [50, 5, 10, 10]},
        {"id": 201, "image_id": 0, "category_id": 3, "bbox": [5, 5, 0, 10]},
        {"id": 202, "image_id": 0, "category_id": 90, "bbox": [35, 25, 20, 20]},
    ]
    found = read(tmp_path, coco(annotations=odd))
    assert "outside the picture" in found.reasons["00.png, annotation 200"]
    assert "no size" in found.reasons["00.png, annotation 201"]
    assert found.items["images/00.png"].target["boxes"][1] == [35.0, 25.0, 5.0, 5.0, 1]
    assert (found.schema["boxes"]["left_out"], found.schema["boxes"]["cut"]) == (2, 1)
    with pytest.raises(Refused, match=r"Stopped, as you asked, at '00.png, annotation 200'"):
        read(tmp_path, coco(annotations=odd), unreadable="stop")


def test_pictures_that_coco_does_not_name_or_names_in_vain_are_listed(tmp_path):
    images = [{"id": 999, "file_name": "gone.png", "width": 4, "height": 4}]
    images += [{"id": 998, "file_name": "big.png", "width": 400, "height": 300}]
    files = coco(images=images) | {"images/more.png": picture(seed=50), "images/big.png": picture(40, 30, seed=51)}
    found = read(tmp_path, files)
    assert "not there" in found.reasons["gone.png"]
    assert "No list names" in found.reasons["images/more.png"]
    assert "says 400 × 300 pixels, the picture has 40 × 30" in found.reasons["images/big.png"]
    only_list = {"a.json": coco()["annotations.json"]}
    with pytest.raises(Refused, match="no pictures beside it"):
        read(tmp_path, only_list)


def test_a_list_of_boxes_that_is_no_utf_8_is_refused_with_its_line(tmp_path):
    files = coco()
    files["annotations.json"] = files["annotations.json"].replace(b"{", b"{\n", 1).replace(b"00.png", b"0\xff.png", 1)
    with pytest.raises(Refused, match=r"'annotations.json' is not UTF-8: see its line 2"):
        read(tmp_path, files)


def test_coco_lists_named_for_splits_give_the_splits(tmp_path):
    train, test = coco(12), coco(4)
    files = {f"train/{name}": data for name, data in train.items()}
    files |= {f"val/{name}": picture(40, 30, seed=70 + n) for n, name in enumerate(test) if name.endswith(".png")}
    files["val/annotations.json"] = test["annotations.json"]
    found = read(tmp_path, files)
    assert found.schema["split_rule"] == "completed"
    assert found.result["splits"]["validation"]["count"] == 4


def test_yolo_is_read_in_parts_of_the_picture(tmp_path):
    files = yolo() | {"images/train/empty.png": picture(40, 20, seed=60)}
    files["labels/train/00.txt"] += b"1 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6\n7 0.5 0.5 0.1 0.1\nx\n"
    found = read(tmp_path, files)
    assert (found.schema["layout"], found.schema["classes"]) == ("yolo", ["cat", "dog"])
    assert found.items["images/train/01.png"].target["boxes"] == [[15.0, 5.0, 10.0, 10.0, 1]]
    assert found.items["images/train/00.png"].target["boxes"][1] == [4.0, 4.0, 8.0, 8.0, 1]
    assert found.items["images/train/empty.png"].target["boxes"] == []
    assert "no class 7" in found.reasons["labels/train/00.txt, line 3"]
    assert "something else than numbers" in found.reasons["labels/train/00.txt, line 4"]


def test_classes_of_yolo_may_be_numbered_in_text(tmp_path):
    found = read(tmp_path, yolo() | {"data.yaml": b"names:\n  '0': cat\n  '1': dog\n"})
    assert found.schema["classes"] == ["cat", "dog"]


def test_pictures_without_a_box_that_can_be_used_are_refused(tmp_path):
    nothing = {name: b"" if name.startswith("labels/") else data for name, data in yolo().items()}
    outside = {name: b"0 5 5 0.1 0.1\n" if name.startswith("labels/") else data for name, data in yolo().items()}
    for files in (nothing, outside):
        with pytest.raises(Refused, match="there is nothing to learn"):
            read(tmp_path, files)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"names: [cat, dog]\nnames: [dog]\n", "'data.yaml', line 1, .*given twice"),
        (b"a: &x [1]\nnames: *x\n", "line 2.*aliases"),
        (b"names: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
    ],
)
def test_yaml_that_multiplies_repeats_or_runs_is_refused_with_its_line(tmp_path, text, sentence):
    """S53"""
    with pytest.raises(Refused, match=sentence):
        read(tmp_path, yolo() | {"data.yaml": text})


def test_classes_txt_names_yolo_classes_too(tmp_path):
    files = {name: data for name, data in yolo().items() if name != "data.yaml"} | {"classes.txt": b"cat\ndog\n"}
    assert read(tmp_path, files).schema["classes"] == ["cat", "dog"]


def test_voc_corners_count_from_one(tmp_path):
    files = voc() | {"Annotations/00.xml": voc_xml("00.png", "cat", (1, 1, 40, 30)).encode()}
    files["ImageSets/Main/train.txt"] = "\n".join(f"{n:02}" for n in range(10)).encode()
    files["ImageSets/Main/val.txt"] = b"10\n11\n"
    found = read(tmp_path, files)
    assert (found.schema["layout"], found.schema["classes"]) == ("voc", ["cat", "dog"])
    assert found.items["JPEGImages/00.png"].target["boxes"] == [[0.0, 0.0, 40.0, 30.0, 0]]
    assert found.result["splits"]["validation"]["count"] == 2


def test_xml_with_entities_is_refused_and_none_is_resolved(tmp_path):
    """S53"""
    bomb = '<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;">]><annotation>&c;</annotation>'
    with pytest.raises(Refused, match=r"'Annotations/00.xml' defines entities"):
        read(tmp_path, voc() | {"Annotations/00.xml": bomb.encode()})
    with pytest.raises(Refused, match=r"'Annotations/00.xml' is not XML"):
        read(tmp_path, voc() | {"Annotations/00.xml": b"<annotation>"})


def test_a_json_list_beside_pictures_gives_their_labels(tmp_path):
    entries = [{"image": f"image{n}.png", "label": n % 2} for n in range(10)]
    found = read(tmp_path, listed(entries))
    assert (found.task, found.schema["layout"]) == ("image-classification", "file-list")
    assert (found.schema["classes"], found.items["image3.png"].target) == (["0", "1"], {"label": 1})


def test_a_list_of_labels_gives_a_picture_several(tmp_path):
    entries = [{"image": f"image{n}.png", "label": ["red"] if n % 2 else ["red", "blue"]} for n in range(10)]
    entries[1]["label"] = []
    found = read(tmp_path, listed(entries))
    assert (found.schema["multi"], found.schema["classes"]) == (True, ["blue", "red"])
    assert found.items["image2.png"].target == {"labels": [0, 1]}
    assert found.items["image1.png"].target == {"labels": []}


def test_what_a_list_names_in_vain_twice_or_without_a_label_is_listed(tmp_path):
    entries = [{"image": f"image{n}.png", "label": "ab"[n % 2]} for n in range(8)]
    entries += [{"image": "gone.png", "label": "a"}, {"image": "image0.png", "label": "b"}, {"image": "image8.png"}]
    found = read(tmp_path, listed(entries))
    assert "not there" in found.reasons["gone.png"]
    assert "twice" in found.reasons["image0.png"]
    assert "no label" in found.reasons["image8.png"] or "does not name" in found.reasons["image8.png"]
    assert "does not name" in found.reasons["image9.png"]


def test_a_csv_of_file_names_beside_the_pictures_is_a_list(tmp_path):
    files = {f"pictures/{n}.png": picture(seed=n) for n in range(10)}
    rows = "".join(f"pictures\\{n}.png;{'cat' if n % 2 else 'dog'};p{n // 2}\n" for n in range(10))
    files["list.csv"] = f"file;label;person\n{rows}".encode()
    found = read(tmp_path, files, group_column="person")
    assert found.schema["classes"] == ["cat", "dog"]
    persons: dict[str, set[str]] = {}
    for item in found.items.values():
        persons.setdefault(item.group, set()).add(item.split)
    assert all(len(splits) == 1 for splits in persons.values())


def test_a_list_without_a_clear_label_asks_which_column_it_is(tmp_path):
    entries = [{"image": f"image{n}.png", "colour": "ab"[n % 2], "size": n} for n in range(10)]
    with pytest.raises(Refused, match=r"not clear which column.*colour, size"):
        read(tmp_path, listed(entries))
    assert read(tmp_path, listed(entries), label_column="colour").schema["classes"] == ["a", "b"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_of_class_folders_gives_the_same_version_as_the_zip(tmp_path, mode):
    files = class_folders()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    packed = read(tmp_path / "a", tarred({f"./{name}": data for name, data in files.items()}, mode), "pets.tar.gz")
    assert packed.result["hash"] == read(tmp_path / "b", files).result["hash"]


def test_a_table_asked_to_be_another_task_is_refused_with_the_one_it_is(tmp_path):
    with pytest.raises(Refused, match="data for object-detection, not for text-classification"):
        read(tmp_path, coco(), task="text-classification")
    with pytest.raises(Refused, match="A table is not data for image-classification"):
        read(tmp_path, texts_csv().encode(), "a.csv", task="image-classification")


def test_the_order_of_files_does_not_change_the_version(tmp_path):
    files = coco()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    turned = dict(reversed(files.items()))
    assert read(tmp_path / "a", files).result["hash"] == read(tmp_path / "b", turned).result["hash"]


def test_a_picture_without_a_label_is_listed_once(tmp_path):
    entries = [{"image": f"image{n}.png", "label": n % 2} for n in range(9)] + [{"image": "image9.png", "label": None}]
    found = read(tmp_path, listed(entries))
    assert [row["name"] for row in found.schema["unreadable"]] == ["image9.png"]
    assert found.reasons == {"image9.png": "The list gives no label for this picture."}
