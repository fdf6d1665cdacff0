"""S50: files that run code when their own readers open them are refused, listed in an archive, and never opened."""

import contextlib
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.imports.bundle import PICKLES
from catalog.models import Dataset
from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import read, texts_csv
from tests.catalog.factories import class_folders, files_below, zipped

CODE = "can run code when opened"


class Planted:
    """Whoever unpickles it makes a file."""

    def __init__(self, canary: Path):
        self._canary = canary

    def __reduce__(self):
        return Path.touch, (self._canary,)


@pytest.fixture
def canary(tmp_path):
    yield tmp_path / "canary"
    assert not (tmp_path / "canary").exists()


def planted(canary: Path, protocol: int = 4) -> bytes:
    return pickle.dumps(Planted(canary), protocol)


def objects_of_numpy(canary: Path) -> bytes:
    content = io.BytesIO()
    np.save(content, np.array([Planted(canary)], dtype=object), allow_pickle=True)
    return content.getvalue()


def test_what_is_planted_makes_its_file_when_it_is_opened(tmp_path):
    pickle.loads(planted(tmp_path / "canary"))  # noqa: S301 - our own
    assert (tmp_path / "canary").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("suffix", PICKLES)
def test_the_door_refuses_them_by_name(api, home, canary, suffix):
    """S50"""
    file = SimpleUploadedFile(f"data{suffix.upper()}", zipped({"archive/data.pkl": planted(canary)}))
    answer = api.post("/api/v1/datasets/", {"file": file})
    assert (answer.status_code, CODE in str(answer.json()["errors"]["file"])) == (400, True)
    assert not Dataset.objects.exists()
    assert files_below(home) == set()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_they_are_known_by_their_first_bytes_under_any_name_and_by_any_door(tmp_path, canary, protocol):
    """S50: what a bucket, an address or a directory brings passes no form."""
    with pytest.raises(Refused, match=CODE):
        read(tmp_path, planted(canary, protocol), "harmless.csv")
    with pytest.raises(Refused, match=CODE):
        read(tmp_path, objects_of_numpy(canary), "array.npy")


@pytest.mark.parametrize("protocol", [0, 1])
def test_those_of_old_protocols_are_text_at_most(tmp_path, canary, protocol):
    """S50: the canary is what is looked at."""
    with contextlib.suppress(Refused):
        read(tmp_path, planted(canary, protocol), "harmless.csv")


@pytest.mark.parametrize("name", ["cat/weights.pkl", "cat/3a.png", "cat/array.npy"])
def test_inside_an_archive_they_are_listed_and_the_rest_comes_in(tmp_path, canary, name):
    """S50"""
    data = objects_of_numpy(canary) if name.endswith("npy") else planted(canary)
    found = read(tmp_path, class_folders() | {name: data})
    assert len(found.items) == 20
    assert "Not a picture" in found.reasons[name]


def test_beside_a_table_they_are_passed_over(tmp_path, canary):
    """S50"""
    found = read(tmp_path, {"train.csv": texts_csv().encode(), "model.pkl": planted(canary)})
    assert (found.task, len(found.items)) == ("text-classification", 40)
