"""An export proves itself: its own script, run by a Python that knows nothing of this project, finds every change."""

import io
import json
import subprocess
import sys
import zipfile

import pytest
from django.test import Client

from jobs import ingest
from tests.accounts.factories import bearer, make_token, make_user
from tests.jobs.store_factories import a_batch, a_frame, a_stored_job, an_attempt
from tests.jobs.test_api_metrics import stored_artifact

pytestmark = pytest.mark.django_db


@pytest.fixture
def export(tmp_path):
    """The path of a downloaded export of a job with points and a model file."""
    job = a_stored_job(owner=make_user("maria"))
    [rank] = an_attempt(job)
    ingest.store(rank, [a_batch(1, a_frame([1, 2, 3], train__loss=[0.5, 0.4, 0.3]))])
    stored_artifact(job)
    answer = Client(headers=bearer(make_token(job.owner))).get(f"/api/v1/jobs/{job.pk}/export/")
    path = tmp_path / "export.zip"
    path.write_bytes(b"".join(answer.streaming_content))
    return path


def check(folder, *arguments):
    command = [sys.executable, "-I", "-S", str(folder / "check.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)


def unpacked(export):
    folder = export.parent / "unpacked"
    zipfile.ZipFile(export).extractall(folder)
    return folder


def test_an_export_as_it_came_is_proved_packed_and_unpacked(export):
    folder = unpacked(export)
    for found in (check(folder), check(folder, str(export))):
        assert (found.returncode, found.stdout) == (0, "Everything is as it was written.\n")


@pytest.mark.parametrize("name", ["model/model.safetensors", "metrics.csv", "job.json", "report.html"])
def test_one_changed_byte_is_named(export, name):
    folder = unpacked(export)
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)

    found = check(folder)
    assert found.returncode == 1
    assert f"{name} is not what the manifest says" in found.stdout


def test_a_file_that_is_missing_is_named(export):
    folder = unpacked(export)
    (folder / "metrics.csv").unlink()
    assert "metrics.csv is missing" in check(folder).stdout


def test_an_export_says_how_many_names_were_redacted_and_not_which():
    job = a_stored_job(owner=make_user("maria"))
    [rank] = an_attempt(job)
    job.spec["recipe"] = [{"step": "redact", "names": ["Ann Lee", "Bo Berg"]}, {"step": "tokenise"}]
    job.save()
    ingest.store(rank, [a_batch(1, a_frame([1, 2], train__loss=[0.5, 0.4]))])
    answer = Client(headers=bearer(make_token(job.owner))).get(f"/api/v1/jobs/{job.pk}/export/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))

    assert json.loads(archive.read("job.json"))["spec"]["recipe"][0]["names"] == {"count": 2}
    assert json.loads(archive.read("report.json"))["made_from"]["recipe"][0]["names"] == {"count": 2}
    assert not [name for name in archive.namelist() for who in (b"Ann Lee", b"Bo Berg") if who in archive.read(name)]
    job.refresh_from_db()
    assert job.spec["recipe"][0]["names"] == ["Ann Lee", "Bo Berg"]


def test_every_entry_but_the_manifest_is_in_the_manifest(export):
    archive = zipfile.ZipFile(export)

    listed = json.loads(archive.read("manifest.json"))["files"]
    assert set(listed) == set(archive.namelist()) - {"manifest.json"}
    assert archive.read("check.py").startswith(b'"""Proves an export')
