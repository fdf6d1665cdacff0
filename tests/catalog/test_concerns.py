"""What deserves a look is said in a sentence: with what was found, on the page and over REST."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Project
from catalog import queries, services, tasks
from catalog.models import Dataset
from tests.catalog.data_factories import SENTENCES, coco, yolo
from tests.catalog.factories import class_folders, imported, picture, version_of

pytestmark = pytest.mark.django_db


def told(dataset: Dataset) -> dict[str, str]:
    return {warning["kind"]: warning["text"] for warning in queries.warnings(version_of(dataset))}


def table(owner, text: str) -> Dataset:
    """A dataset of a CSV."""
    file = SimpleUploadedFile("a.csv", text.encode())
    dataset = services.add_upload(owner, Project.default(), "rows", file)
    tasks.import_dataset(dataset.pk)
    return dataset


def test_plain_data_deserves_none():
    assert told(imported(class_folders())) == {}


def test_class_folders_whose_names_differ_in_capitals_only_are_named():
    files = class_folders() | {f"Cat/{n}.png": picture(seed=n) for n in range(500, 510)}
    assert told(imported(files)) == {
        "alike": "Classes differ in capitals or blanks only: 'Cat' / 'cat'. "
        "If they are one, name them alike and import again."
    }


def test_labels_of_a_table_that_differ_in_capitals_or_blanks_only_are_named(maria):
    labels = ("very good", "Very Good", "very  good", "bad")
    rows = "".join(f"{SENTENCES[n % 2]} {n},{labels[n % 4]}\n" for n in range(40))
    assert "'Very Good' / 'very  good' / 'very good'" in told(table(maria, f"text,label\n{rows}"))["alike"]


def test_a_class_without_a_box_is_named():
    files = yolo() | {"data.yaml": b"names: [cat, dog, bird]\n"}
    assert told(imported(files)) == {"untrained": "1 class has no example in the train split: bird."}


def test_uneven_classes_are_told_with_their_numbers():
    files = class_folders(("dog",), each=40) | class_folders(("cat",), each=8)
    assert "dog : cat = 32 : 6" in told(imported(files))["imbalance"]


def test_missing_values_copies_and_contradictions_are_counted(maria):
    rows = "".join(f"{n % 30},{'' if n % 10 == 0 else n % 7},{'ab'[n % 2]}\n" for n in range(60))
    found = told(table(maria, f"size,weight,y\n{rows}5,5,a\n5,5,b\n"))
    assert found["missing"] == "Values are missing in 1 column: weight."
    assert found["contradictions"] == "1 example comes with different labels."
    assert "copies of others" in found["duplicates"] or "copy of another" in found["duplicates"]


def test_unreadable_files_and_boxes_that_were_cut_are_counted():
    odd = [{"id": 202, "image_id": 0, "category_id": 90, "bbox": [35, 25, 20, 20]}]
    found = told(imported(coco(annotations=odd) | {"images/broken.png": b"x"}))
    assert found["boxes"] == "1 box stuck out of its picture and was cut."
    assert found["unreadable"] == "1 file could not be used."


def test_what_could_not_be_used_is_called_what_it_is():
    odd = [{"id": 200 + n, "image_id": 0, "category_id": 90, "bbox": [99, 99, 2, 2]} for n in range(2)]
    dataset = imported(coco(annotations=odd) | {"images/broken.png": b"x"})
    assert [row["text"] for row in queries.warnings(version_of(dataset))] == [
        "1 file could not be used.",
        "2 boxes could not be used.",
    ]
    entries = [{"image": f"cat/{n}.png", "label": n % 2} for n in range(10)] + [{"image": "gone.png", "label": 1}]
    rows = imported(
        {f"cat/{n}.png": picture(seed=n) for n in range(10)} | {"a.json": json.dumps(entries).encode()}, name="b"
    )
    assert told(rows)["unreadable"] == "1 row could not be used."


def test_rest_tells_the_same(api, maria):
    imported(class_folders() | {"Cat/1a.png": picture(seed=900), "Cat/2a.png": picture(seed=901)}, maria)
    warnings = api.get("/api/v1/datasets/pictures/").json()["warnings"]
    assert {warning["kind"] for warning in warnings} == {"alike", "imbalance"}
