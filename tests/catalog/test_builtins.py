"""The datasets that come along: real files, stratified splits."""

import io

import pyarrow
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pyarrow import parquet

from accounts.models import Project
from catalog import places, services, tasks
from contract.problems import Invalid
from recipes.version import file_of, read_items
from tests.accounts.factories import make_user
from tests.catalog.factories import version_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("builtin", "counts", "size"),
    [("mnist-5k", (4000, 500, 500), (28, 28)), ("digits-8x8", (1439, 179, 179), (8, 8))],
)
def test_a_builtin_dataset_is_written_as_png_files(builtin, counts, size):
    dataset = services.add_builtin(make_user(), Project.default(), builtin, demo=True)
    tasks.import_dataset(dataset.pk)
    version = version_of(dataset)
    assert (dataset.slug, dataset.demo) == (builtin, True)
    assert tuple(version.splits[name]["count"] for name in ("train", "validation", "test")) == counts
    assert version.schema["classes"] == [str(digit) for digit in range(10)]
    tested = version.splits["test"]["classes"].values()
    assert max(tested) - min(tested) <= 1
    directory = places.version(version.content_hash)
    with Image.open(file_of(directory, next(read_items(directory)))) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", size)


@pytest.mark.parametrize(
    ("builtin", "task", "items", "classes"),
    [
        ("digits-canvas", "object-detection", 1500, 10),
        ("django-languages", "text-classification", 3900, 10),
        ("breast-cancer", "tabular-classification", 569, 2),
        ("diabetes", "tabular-regression", 442, 0),
    ],
)
def test_a_builtin_of_every_other_kind_comes_in_like_anybodys(builtin, task, items, classes):
    dataset = services.add_builtin(make_user(), Project.default(), builtin)
    assert dataset.task == task
    tasks.import_dataset(dataset.pk)
    version = version_of(dataset)
    assert (version.schema["task"], len(version.schema["classes"])) == (task, classes)
    assert items <= version.items < items + 100
    assert (version.schema["unreadable_count"], version.schema["leaks"]["exact"]) == (0, 0)
    assert version.splits["test"]["count"] >= items // 11
    if classes:
        assert min(version.splits["train"]["classes"].values()) > 100


def test_parquet_is_read_in_the_confined_child_too():
    content = io.BytesIO()
    texts = [f"sentence number {number} of many" for number in range(40)]
    parquet.write_table(pyarrow.table({"text": texts, "label": [number % 2 for number in range(40)]}), content)
    file = SimpleUploadedFile("a.parquet", content.getvalue())
    dataset = services.add_upload(make_user(), Project.default(), "", file)
    tasks.import_dataset(dataset.pk)
    assert version_of(dataset).items == 40


def test_an_unknown_builtin_is_refused_with_the_nearest_one():
    with pytest.raises(Invalid, match="Did you mean 'mnist-5k'"):
        services.add_builtin(make_user(), Project.default(), "mnist-5000")


def test_a_set_that_was_removed_leaves_its_short_name_to_the_next_and_a_living_one_does_not():
    owner = make_user()
    first, second = (services.add_builtin(owner, Project.default(), "digits-8x8") for _ in range(2))
    assert (first.slug, second.slug) == ("digits-8x8", "digits-8x8-2")
    services.remove(first, owner, via="page")
    assert services.add_builtin(owner, Project.default(), "digits-8x8").slug == "digits-8x8"
    first.refresh_from_db()
    assert first.slug == f"digits-8x8-removed-{first.pk}"
