"""A user's own pictures over REST: a zip of class folders becomes a model; what is wrong has a sentence."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.waiting import wait_until

pytestmark = pytest.mark.integration
COLOURS = {"brick": (180, 70, 50), "leaf": (60, 150, 60), "sea": (40, 90, 170)}


@pytest.fixture(scope="module")
def archive() -> bytes:
    """60 colour JPEGs of mixed sizes in 3 class folders, and one file that is no picture."""
    draw = np.random.default_rng(7)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as into:
        for name, colour in COLOURS.items():
            for number in range(20):
                height, width = draw.integers(40, 160, 2)
                noise = draw.normal(0, 30, (height, width, 3))
                picture = Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))
                raw = io.BytesIO()
                picture.save(raw, "JPEG")
                into.writestr(f"{name}/{number}.jpg", raw.getvalue())
        into.writestr("sea/broken.jpg", b"\xff\xd8\xff not a picture")
    return packed.getvalue()


def test_sixty_colour_jpegs_become_a_model_with_the_default_recipe(stack, archive):
    slug = upload(stack, archive, "colours")
    dataset = wait_until(lambda: (d := stack.dataset(slug))["state"] != "importing" and d, within=60)
    assert dataset["state"] == "ready", dataset
    version = stack.api("GET", f"/datasets/{slug}/versions/")[1]["results"][0]
    assert version["items"] == 60
    assert [row["name"] for row in version["schema"]["unreadable"]] == ["sea/broken.jpg"]
    training = {"num_train_epochs": 40, "per_device_train_batch_size": 8}
    job = stack.submit(task="image-classification", dataset=slug, model={"source": "conv"}, training=training)
    ended = stack.ended(job["id"], within=300)
    assert ended["state"] == "succeeded", (ended["end_reason"], ended["reason_params"])
    rows = stack.api("GET", f"/jobs/{job['id']}/evaluations/")[1]["results"]
    assert min(row["metrics"]["accuracy"] for row in rows) > 0.6  # chance is 0.33


def test_an_impossible_request_names_every_problem_with_its_path(stack):
    status, answer = stack.api("POST", "/jobs/", {"task": "image-clasification", "dataset": "nothing", "trainng": {}})
    assert status == 400
    assert {"task", "trainng", "model", "dataset"} <= set(answer["errors"]), answer


def test_what_is_no_zip_is_refused_and_others_go_on(stack):
    status, answer = upload_raw(stack, b"these are not the bytes of an archive", "nothing")
    if status == 202:
        failed = wait_until(lambda: (d := stack.dataset(answer["slug"]))["state"] == "failed" and d, within=30)
        answer = {"detail": failed["error"]}
    assert answer["detail"]


def upload(stack, raw: bytes, name: str) -> str:
    status, answer = upload_raw(stack, raw, name)
    assert status == 202, answer
    return answer["slug"]


def upload_raw(stack, raw: bytes, name: str):
    return stack.upload(raw, f"{name}.zip")
