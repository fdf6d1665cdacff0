"""Samples, thumbnails and previews: drawn in a child process, seen by those who may."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from catalog import drawings, places, queries
from catalog.models import DatasetVersion
from recipes.version import file_of
from tests.accounts.factories import bearer, make_token, make_user
from tests.catalog.factories import class_folders, imported, version_of

pytestmark = pytest.mark.django_db
GREY = [{"step": "grayscale"}, {"step": "resize", "size": [16, 20]}]


@pytest.fixture
def version() -> DatasetVersion:
    return version_of(imported(class_folders(each=40, width=150, height=100)))


def pixels(answer) -> np.ndarray:
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_samples_come_a_page_at_a_time_by_split_and_class(version):
    every = queries.samples(version)
    assert (len(every["items"]), every["pages"], every["count"]) == (24, 4, 80)
    tested = queries.samples(version, "test")
    assert {item["split"] for item in tested["items"]} == {"test"}
    assert tested["count"] == version.splits["test"]["count"]
    cats = queries.samples(version, "train", page=99, label="cat")
    assert {item["class"] for item in cats["items"]} == {"cat"}
    assert (cats["page"], cats["pages"], cats["count"]) == (2, 2, 32)


def test_a_thumbnail_is_small_and_drawn_once_for_its_whole_page(client, version, monkeypatch):
    client.force_login(version.dataset.owner)
    sample = queries.samples(version)["items"][0]
    assert pixels(client.get(sample["image"])).shape == (85, 128, 3)
    monkeypatch.setattr(drawings.outside, "run", None)
    for other in queries.samples(version)["items"]:
        assert client.get(other["image"]).status_code == 200


def test_a_preview_shows_eight_samples_before_and_after(client, version):
    client.force_login(version.dataset.owner)
    rows = queries.preview(version, GREY)
    assert len(rows) == 8
    assert {row["split"] for row in rows} == {"train"}
    assert rows[0]["shape_after"] == {"channels": 1, "height": 16, "width": 20}
    assert pixels(client.get(rows[0]["after"])).shape == (16, 20)
    assert pixels(client.get(rows[0]["image"])).shape == (85, 128, 3)
    assert rows == queries.preview(version, GREY)


def test_the_preview_is_what_the_trainer_gets(client, version):
    client.force_login(version.dataset.owner)
    number = queries.preview_numbers(version)[3]
    item = queries.items_at(version, [number])[number]
    from recipes.recipe import Recipe

    data = file_of(places.version(version.content_hash), item).read_bytes()
    shown = pixels(client.get(queries.preview(version, GREY)[3]["after"]))
    assert np.array_equal(shown, np.asarray(Recipe.parse(GREY).read(data)))


def test_a_sample_that_cannot_be_read_says_why(client, version):
    client.force_login(version.dataset.owner)
    number = queries.preview_numbers(version)[0]
    file_of(places.version(version.content_hash), queries.items_at(version, [number])[number]).write_bytes(b"x")
    row = queries.preview(version, GREY)[0]
    assert "Not a picture" in row["problem"]
    answer = client.get(row["after"])
    assert (answer.status_code, answer["Content-Type"]) == (422, "text/plain")


@pytest.mark.parametrize("recipe", ["{", "[1]", '[{"step":"blur"}]', "[" * 5000])
def test_a_recipe_that_is_none_is_a_bad_request(client, version, recipe):
    client.force_login(version.dataset.owner)
    path = queries.preview(version, GREY)[0]["after"].partition("?")[0]
    assert client.get(path, {"recipe": recipe}).status_code == 400


def test_a_recipe_that_leaves_pictures_unlike_is_a_bad_request(client):
    files = class_folders() | {"cat/wide.png": class_folders(width=30)["cat/1.png"]}
    version = version_of(imported(files))
    client.force_login(version.dataset.owner)
    path = queries.samples(version)["items"][0]["image"].replace("images", "preview")
    assert client.get(path, {"recipe": json.dumps([{"step": "scale"}])}).status_code == 400


def test_sensitive_pictures_are_for_operators_and_foreign_ones_for_nobody(client, version):
    address = queries.samples(version)["items"][0]["image"]
    assert client.get(address).status_code == 302
    viewer = make_user("victor", "viewer")
    client.force_login(viewer)
    assert client.get(address).status_code == 200
    type(version.dataset).objects.update(sensitive=True)
    assert client.get(address).status_code == 403
    client.force_login(make_user("eve", ""))
    assert client.get(address).status_code == 404


def test_a_program_sees_them_with_its_token(client, version):
    path = f"/api/v1/datasets/{version.dataset.slug}/versions/1/"
    headers = bearer(make_token(version.dataset.owner))
    before = client.get(f"{path}items/", headers=headers).json()["items"][0]["image"]
    preview = client.post(f"{path}preview/", {"recipe": GREY}, "application/json", headers=headers).json()
    assert pixels(client.get(before, headers=headers)).shape == (85, 128, 3)
    assert pixels(client.get(preview["items"][0]["after"], headers=headers)).shape == (16, 20)
    refused = client.get(before, headers={"Authorization": "Bearer flt_wrong"})
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
    type(version.dataset).objects.update(sensitive=True)
    assert client.get(before, headers=bearer(make_token(make_user("victor", "viewer"), "read"))).status_code == 403
    assert client.get(before, headers=bearer(make_token(make_user("eve", ""), "read"))).status_code == 404


def test_what_is_not_there_is_404(client, version):
    client.force_login(version.dataset.owner)
    for address in ("v/1/images/80.png", "v/2/images/0.png", "v/1/images/99999999999999999999.png"):
        assert client.get(f"/datasets/{version.dataset.slug}/{address}").status_code == 404


def test_old_previews_are_forgotten(version, monkeypatch):
    monkeypatch.setattr(drawings, "MOST_RECIPES", 2)
    items = queries.items_at(version, [0])
    for side in (8, 16, 24):
        drawings.draw(version, items, [{"step": "resize", "size": [side, side]}])
    assert len(list(places.drawn(version.content_hash).iterdir())) == 2
