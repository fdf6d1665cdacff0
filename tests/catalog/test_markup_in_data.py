"""Markup and templates in names of files, classes and columns, and in texts, are shown as text (S27, S38)."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.defaultfilters import force_escape

from accounts.models import Project
from catalog import services, tasks
from catalog.models import Dataset
from tests.catalog.data_factories import SENTENCES, coco
from tests.catalog.factories import picture, zipped
from tests.catalog.test_pages import client_of

pytestmark = pytest.mark.django_db
MARKUP = "<img src=x onerror=alert(1)>{{7*7}}%s"
TABS = ("", "v/1/", "v/1/samples/", "v/1/checks/", "v/1/versions/")


def folders() -> dict[str, bytes]:
    """Names of a class, of pictures, and of one that cannot be read."""
    names = {f"{label}/{n}{MARKUP}.png": (label, n) for label in (MARKUP, "dog") for n in range(10)}
    files = {name: picture(seed=n + 100 * (label == "dog")) for name, (label, n) in names.items()}
    return files | {f"dog/broken{MARKUP}.png": b"x"}


def boxes() -> dict[str, bytes]:
    """The name of a category, and of a picture that is not there."""
    files = coco(images=[{"id": 999, "file_name": f"gone{MARKUP}.png", "width": 4, "height": 4}])
    return files | {"annotations.json": files["annotations.json"].replace(b'"cat"', f'"{MARKUP}"'.encode())}


def texts() -> dict[str, bytes]:
    """A class, texts, and a column."""
    rows = "".join(f"{SENTENCES[n % 2]} {MARKUP} {n},{(MARKUP, 'good')[n % 2]}\n" for n in range(40))
    return {"train.csv": f"text,label\n{rows}".encode()}


def columns() -> dict[str, bytes]:
    """Names of columns, and words in one."""
    rows = "".join(f"{n % 9},{(MARKUP, 'red')[n % 2]},{'ab'[n % 2]}\n" for n in range(40))
    return {"train.csv": f"{MARKUP},colour{MARKUP},y\n{rows}".encode()}


@pytest.mark.parametrize("files", [folders, boxes, texts, columns])
def test_it_is_text_on_every_page(maria, files: Callable[[], dict[str, bytes]]):
    """S27, S38"""
    upload = SimpleUploadedFile(f"{MARKUP}.zip", zipped(files()))
    dataset = services.add_upload(maria, Project.default(), MARKUP, upload)
    tasks.import_dataset(dataset.pk)
    dataset = Dataset.objects.get()
    assert dataset.state == "ready", dataset.error % dataset.error_params
    client, seen = client_of(maria), ""
    for tab in TABS:
        answer = client.get(f"/datasets/{dataset.slug}/{tab}", follow=True)
        assert answer.status_code == 200
        seen += answer.content.decode()
    seen += client.get("/datasets/").content.decode()
    assert "<img src=x" not in seen
    assert seen.count(str(force_escape(MARKUP))) > len(TABS)


@pytest.mark.parametrize("files", [folders, boxes, texts, columns])
def test_it_is_text_while_it_waits_for_a_decision(maria, files: Callable[[], dict[str, bytes]]):
    """S27"""
    upload = SimpleUploadedFile(f"{MARKUP}.zip", zipped(files()))
    dataset = services.add_upload(maria, Project.default(), MARKUP, upload, review="always")
    tasks.import_dataset(dataset.pk)
    text = client_of(maria).get(f"/datasets/{dataset.slug}/", follow=True).content.decode()
    assert "Import this" in text
    assert "<img src=x" not in text
    assert str(force_escape(MARKUP)) in text


def test_an_import_that_failed_shows_the_name_as_text(maria):
    """S27"""
    upload = SimpleUploadedFile("a.zip", zipped({f"cat/{MARKUP}.png": b"x", "dog/1.png": b"y"}))
    dataset = services.add_upload(maria, Project.default(), "pets", upload)
    tasks.import_dataset(dataset.pk)
    text = client_of(maria).get(f"/datasets/{dataset.slug}/", follow=True).content.decode()
    assert "None of it can be read" in text
    assert "<img src=x" not in text
    assert str(force_escape(MARKUP)) in text
