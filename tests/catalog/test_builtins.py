"""The datasets that come along: real files, stratified splits."""

import pytest
from PIL import Image

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


def test_an_unknown_builtin_is_refused_with_the_nearest_one():
    with pytest.raises(Invalid, match="Did you mean 'mnist-5k'"):
        services.add_builtin(make_user(), Project.default(), "mnist-5000")
