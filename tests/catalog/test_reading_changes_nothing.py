"""S06: whatever is read of data, over REST and on pages, no row is written, and what writes takes no GET."""

import pytest

from catalog.models import Dataset, DatasetVersion, PreparedData, Readiness, Recipe, Upload
from tests.catalog.factories import built, class_folders, imported, version_of
from tests.catalog.test_pages import client_of

pytestmark = pytest.mark.django_db
MODELS = (Dataset, DatasetVersion, PreparedData, Readiness, Recipe, Upload)
REST = ("", "found/", "versions/", "versions/1/items/", "versions/1/diff/?from=1")
PAGES = ("", "v/1/", "v/1/samples/", "v/1/checks/", "v/1/versions/", "v/1/images/0.png", "v/1/preview/0.png", "add/")
WRITING = ("cancel/", "commit/", "versions/1/clean/", "versions/1/prepare/", "versions/1/preview/")
DOING = ("prepare", "rename", "sensitive", "clean", "stop", "commit", "remove")


def rows() -> list[list[dict]]:
    return [list(model.objects.order_by("pk").values()) for model in MODELS]


def test_reading_writes_no_row(api, maria):
    """S06"""
    built(version_of(imported(class_folders(), maria)), [{"step": "grayscale"}])
    before, person = rows(), client_of(maria)
    for path in REST:
        assert api.get(f"/api/v1/datasets/pictures/{path}").status_code in (200, 404)
    for path in ("datasets/", "uploads/", "recipes/", "recipes/steps/"):
        assert api.get(f"/api/v1/{path}").status_code == 200
    for path in PAGES:
        assert person.get(f"/datasets/pictures/{path}").status_code in (200, 302)
    assert rows() == before


def test_what_writes_takes_no_get(api, maria):
    """S06"""
    imported(class_folders(), maria)
    before, person = rows(), client_of(maria)
    for path in WRITING:
        assert api.get(f"/api/v1/datasets/pictures/{path}").status_code == 405
    for verb in DOING:
        assert person.get(f"/datasets/pictures/do/{verb}/", {"name": "pictures"}).status_code == 405
    assert person.get("/datasets/new/web/switch-on/").status_code == 405
    assert rows() == before
