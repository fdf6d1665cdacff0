"""Resumable uploads: begun, broken off, gone on with, checked, taken over, forgotten."""

import base64
import hashlib
import shutil
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from catalog import services, tasks
from catalog.models import Dataset, Upload
from catalog.services import uploading
from tests.accounts.factories import bearer, make_token, make_user
from tests.catalog.factories import class_folders, files_below, version_of, zipped

pytestmark = pytest.mark.django_db
LIST = "/api/v1/uploads/"
CHUNK = "application/offset+octet-stream"


def begin(api, data: bytes, **more) -> str:
    body = {"name": "pets.zip", "bytes": len(data), **more}
    answer = api.post(LIST, body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return answer["Location"]


def send(api, address: str, offset: int, chunk: bytes, **headers):
    return api.patch(address, chunk, content_type=CHUNK, headers={"Upload-Offset": str(offset), **headers})


def test_a_file_arrives_in_chunks_over_a_broken_connection_and_becomes_a_dataset(api, home):
    """S56"""
    data = zipped(class_folders())
    address = begin(api, data, sha256=hashlib.sha256(data).hexdigest())
    assert send(api, address, 0, data[:1000])["Upload-Offset"] == "1000"
    behind = send(api, address, 0, data[:1000])
    assert (behind.status_code, behind.json()["offset"]) == (409, 1000)
    assert api.head(address)["Upload-Offset"] == "1000"
    early = api.post("/api/v1/datasets/", {"upload": address.split("/")[-2]}, content_type="application/json")
    assert "not complete" in str(early.json()["errors"]["upload"])
    assert send(api, address, 1000, data[1000:]).status_code == 204
    assert api.get(address).json()["complete"] is True
    answer = api.post("/api/v1/datasets/", {"upload": address.split("/")[-2]}, content_type="application/json")
    assert (answer.status_code, answer.json()["slug"]) == (202, "pets")
    dataset = Dataset.objects.get()
    tasks.import_dataset(dataset.pk)
    assert version_of(dataset).items == 20
    assert not Upload.objects.exists()
    assert api.get(address).status_code == 404
    assert len(files_below(home / "uploads")) == 1


def test_a_damaged_chunk_is_thrown_away_and_a_wrong_file_removed(api, home):
    """S56"""
    data = b"text,label\n" * 100
    address = begin(api, data, sha256="0" * 64)
    good = base64.b64encode(hashlib.sha256(data[:500]).digest()).decode()
    refused = send(api, address, 0, b"x" + data[1:500], **{"Upload-Checksum": f"sha256 {good}"})
    assert (refused.status_code, api.head(address)["Upload-Offset"]) == (422, "0")
    assert send(api, address, 0, data[:500], **{"Upload-Checksum": f"sha256 {good}"}).status_code == 204
    last = send(api, address, 500, data[500:])
    assert (last.status_code, "SHA-256 differs" in last.json()["detail"]) == (422, True)
    assert api.get(address).status_code == 404
    assert files_below(home / "uploads") == set()


def test_more_than_a_chunk_or_than_was_announced_is_413_and_nothing_counts(api, monkeypatch):
    """S40"""
    address = begin(api, bytes(100))
    assert send(api, address, 0, bytes(101)).status_code == 413
    monkeypatch.setattr(uploading, "CHUNK_BYTES", 10)
    assert send(api, address, 0, bytes(11)).status_code == 413
    assert api.head(address)["Upload-Offset"] == "0"
    assert send(api, address, 0, bytes(10)).status_code == 204


def test_a_foreign_upload_looks_like_none(api, client):
    """S01, S56"""
    address = begin(api, bytes(100))
    eve = make_user("eve", "operator")
    client.defaults["HTTP_AUTHORIZATION"] = bearer(make_token(eve))["Authorization"]
    for call in (client.get, client.head, client.delete):
        assert call(address).status_code == 404
    assert send(client, address, 0, bytes(100)).status_code == 404
    taken = client.post("/api/v1/datasets/", {"upload": address.split("/")[-2]}, content_type="application/json")
    assert "No upload of yours" in str(taken.json()["errors"]["upload"])
    assert client.get(LIST).json()["count"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"bytes": 5}, "name"),
        ({"name": "a", "bytes": 0}, "bytes"),
        ({"name": "a", "bytes": "5"}, "bytes"),
        ({"name": "a", "bytes": 2**60}, "bytes"),
        ({"name": "a", "bytes": 5, "sha256": "xyz"}, "sha256"),
        ({"name": "a", "bytes": 5, "size": 5}, "size"),
    ],
)
def test_an_impossible_upload_is_400_with_its_field(api, body, field):
    answer = api.post(LIST, body, content_type="application/json")
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {field})


def test_an_upload_that_does_not_fit_is_413_with_the_free_space(api, monkeypatch):
    """S56"""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2**20))
    answer = api.post(LIST, {"name": "a.zip", "bytes": 2**21}, content_type="application/json")
    assert (answer.status_code, answer.json()["free"]) == (413, 2**20)


def test_unfinished_uploads_are_listed_to_go_on_with_and_their_number_is_limited(api, monkeypatch):
    monkeypatch.setattr(uploading, "MOST_UNFINISHED", 2)
    begin(api, bytes(100), fingerprint="pets.zip 100 17")
    begin(api, bytes(50))
    rows = api.get(LIST).json()["results"]
    assert [row["fingerprint"] for row in rows] == ["", "pets.zip 100 17"]
    third = api.post(LIST, {"name": "a", "bytes": 5}, content_type="application/json")
    assert "2 unfinished uploads" in str(third.json()["errors"])
    assert api.delete(f"{LIST}{rows[0]['id']}/").status_code == 204
    begin(api, bytes(5))


def test_what_nobody_goes_on_with_for_a_day_is_forgotten(api, home):
    """S56"""
    begin(api, bytes(100))
    (home / "uploads" / "file-left-behind").write_bytes(b"x")
    services.take_up_again(timezone.now())
    assert len(files_below(home / "uploads")) == 2
    services.take_up_again(timezone.now() + timedelta(hours=25))
    assert not Upload.objects.exists()
    assert files_below(home / "uploads") == set()


def test_a_viewer_uploads_nothing(client):
    """S02"""
    client.defaults["HTTP_AUTHORIZATION"] = bearer(make_token(make_user("vera", "viewer"), "read"))["Authorization"]
    assert client.post(LIST, {"name": "a", "bytes": 5}, content_type="application/json").status_code == 403
