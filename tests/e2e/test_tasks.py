"""Data of other kinds, from the file a user has to a model on two devices: boxes in pictures, and sentences."""

import csv
import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.e2e.person import Person
from tests.e2e.stack import Stack
from tests.e2e.test_own_data import state, upload_as
from tests.training import task_data
from tests.training.factories import mnist
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def quiet(tmp_path_factory, fresh_home):
    """A Fleetune without the demo, so that its devices are free."""
    home = tmp_path_factory.mktemp("tasks") / "home"
    shutil.copytree(fresh_home, home)
    running = Stack(home, demo=False)
    try:
        yield running.start(within=240)
    finally:
        running.stop(within=60)


def coco_zip(count: int = 90) -> bytes:
    """Digits on canvases with their boxes, as COCO has them: [x, y, width, height]."""
    generator = np.random.default_rng(11)
    images, labels = mnist()
    packed, listed, boxes = io.BytesIO(), [], []
    with zipfile.ZipFile(packed, "w") as into:
        for number in range(1, count + 1):
            drawn = task_data.canvas(generator, images[:, 0], labels % 2)
            raw = io.BytesIO()
            Image.fromarray(drawn["image"][0]).save(raw, "PNG")
            into.writestr(f"images/{number}.png", raw.getvalue())
            listed.append({"id": number, "file_name": f"{number}.png", "width": 64, "height": 64})
            for left, top, right, bottom, label in drawn["boxes"].tolist():
                box = {"bbox": [left, top, right - left, bottom - top], "category_id": int(label) + 1}
                boxes.append({"id": len(boxes) + 1, "image_id": number, "iscrowd": 0} | box)
        categories = [{"id": 1, "name": "even"}, {"id": 2, "name": "odd"}]
        content = {"images": listed, "annotations": boxes, "categories": categories}
        into.writestr("annotations.json", json.dumps(content))
    return packed.getvalue()


def sentences_csv() -> bytes:
    """Finnish and German sentences, one a row with its language."""
    names = ("fi", "de")
    rows = [(text, name) for name in names for text in task_data.sentences(names)[name][:60]]
    text = io.StringIO()
    csv.writer(text).writerows([("text", "label"), *rows])
    return text.getvalue().encode()


def trained(stack, raw: bytes, file_name: str, **spec):
    """The ended job on this data, and what its first device measured."""
    status, answer = upload_as(stack, raw, file_name)
    assert status == 202, answer
    dataset = wait_until(lambda: (d := state(stack, answer["slug"]))["state"] != "importing" and d, within=150)
    assert (dataset["state"], dataset["task"]) == ("ready", spec["task"]), dataset
    job = stack.submit(dataset=dataset["slug"], devices={"count": 2}, **spec)
    return ended_well(stack, job["id"])


def ended_well(stack, number: int):
    """The job once it is done, and what its first device measured: with the same data, the same as the other."""
    ended = stack.ended(number, within=300)
    assert ended["state"] == "succeeded", (ended["end_reason"], ended["reason_params"])
    hashes = [proof["data_hash"] for proof in ended["proofs"]["preprocess"].values()]
    assert len(hashes) == 2 and len(set(hashes)) == 1
    rows = stack.api("GET", f"/jobs/{number}/evaluations/")[1]["results"]
    assert len({row["device"] for row in rows}) == 2 and rows[0]["metrics"] == rows[1]["metrics"]
    return ended, rows[0]["metrics"]


def files_of(stack, job) -> dict[str, dict]:
    return {row["name"]: row for row in stack.api("GET", f"/jobs/{job['id']}/artifacts/")[1]["results"]}


def test_boxes_of_a_coco_zip_become_a_detector_on_two_devices(quiet):
    training = {"num_train_epochs": 6, "per_device_train_batch_size": 4, "learning_rate": 0.004}
    model = {"source": "detector", "channels": [16, 32, 32]}
    job, metrics = trained(quiet, coco_zip(), "boxes.zip", task="object-detection", model=model, training=training)
    assert set(metrics) == {"map", "map_50", "loss"} and metrics["map_50"] > 0.01, metrics
    assert job["summary"]["eval/map"] is not None
    assert {"model.safetensors", "model.onnx", "card.md"} <= set(files_of(quiet, job))


def test_sentences_of_a_table_become_a_classifier_on_two_devices(quiet):
    training = {"training__num_train_epochs": 8, "training__per_device_train_batch_size": 8}
    fields = {"model__width": 32, "model__depth": 1, "training__learning_rate": 0.003}
    with Person(quiet) as ada:
        ada.brings(sentences_csv(), "sentences.csv")
        told = ada.says_yes()
        assert "text-classification" in told and "utf-8" in told
        ada.sees_version()
        number = ada.starts_job("text", **fields, **training)
    job, metrics = ended_well(quiet, number)
    assert metrics["accuracy"] > 0.6, metrics  # chance is 0.5
    assert "model.onnx" in files_of(quiet, job)
