"""What lies on which device: by heartbeat, by wish, and what a device may fetch."""

import pytest
from asgiref.sync import async_to_sync

from catalog import places, queries, services
from catalog.models import Readiness
from devices.models import DeviceState
from tests.catalog.factories import built, class_folders, imported, version_of
from tests.devices.factories import make_credential, make_device

pytestmark = pytest.mark.django_db


@pytest.fixture
def prepared():
    return built(version_of(imported(class_folders())), [{"step": "scale"}])


def status(prepared) -> dict[str, str]:
    return {row["device"]: row["status"] for row in queries.readiness(prepared)}


def test_a_heartbeat_makes_a_device_ready_and_takes_it_back(prepared):
    one, two = make_device("gpu-1"), make_device("gpu-2")
    assert set(status(prepared).values()) == {"not_here"}
    services.note_readiness(one, [prepared.hash, "f" * 64])
    assert status(prepared) == {one.slug: "ready", two.slug: "not_here"}
    assert queries.readiness_summary(prepared) == {"ready": 1, "devices": 2}
    (row,) = (row for row in queries.readiness(prepared) if row["device"] == one.slug)
    assert (row["hash"], row["samples"]) == (prepared.hash, 20)
    services.note_readiness(one, [])
    assert set(status(prepared).values()) == {"not_here"}


def test_a_heartbeat_that_says_nothing_new_writes_nothing(prepared, django_assert_num_queries):
    device = make_device()
    services.note_readiness(device, [prepared.hash])
    with django_assert_num_queries(2):
        services.note_readiness(device, [prepared.hash])


def test_another_recipe_of_the_same_version_shows_as_different(prepared):
    device = make_device()
    services.note_readiness(device, [prepared.hash])
    other = built(prepared.version, [{"step": "grayscale"}])
    assert other.hash != prepared.hash
    assert status(other) == {device.slug: "other_recipe"}


def test_a_device_that_is_offline_is_unknown(prepared):
    device = make_device(state=DeviceState.OFFLINE)
    services.note_readiness(device, [prepared.hash])
    assert status(prepared) == {device.slug: "unknown"}
    assert queries.readiness_summary(prepared) == {"ready": 0, "devices": 1}


def test_what_is_wanted_of_one_recipe_does_not_hide_what_is_there_of_another(prepared):
    device = make_device()
    services.note_readiness(device, [prepared.hash])
    services.want_on(built(prepared.version, [{"step": "grayscale"}]), device)
    assert queries.readiness_summary(prepared) == {"ready": 1, "devices": 1}


def test_data_that_is_still_prepared_shows_how_far_it_is():
    device = make_device()
    waiting = services.prepare(version_of(imported(class_folders())), [{"step": "scale"}])
    assert status(waiting) == {device.slug: "preparing"}
    assert queries.readiness(waiting)[0]["text"] == "Preparing 0%"


def test_what_a_user_wants_somewhere_is_told_to_that_device_until_it_is_there(prepared):
    device = make_device()
    services.want_on(prepared, device)
    assert status(prepared) == {device.slug: "wanted"}
    assert queries.wanted_by(device) == [{"hash": prepared.hash, "manifest": prepared.manifest}]
    services.note_readiness(device, [prepared.hash])
    assert queries.wanted_by(device) == []
    services.note_readiness(device, [])
    assert Readiness.objects.get().hash == ""
    assert queries.wanted_by(device) != []


def test_a_program_brings_data_to_a_device_too(api, prepared):
    device = make_device()
    path = f"/api/v1/datasets/{prepared.version.dataset.slug}/versions/1/prepare/"
    body = {"recipe": prepared.recipe.steps, "device": device.slug}
    answer = api.post(path, body, content_type="application/json")
    assert (answer.status_code, answer.json()["readiness"][0]["status"]) == (202, "wanted")
    assert queries.wanted_by(device) == [{"hash": prepared.hash, "manifest": prepared.manifest}]
    for unknown in ("none", [1], {"slug": "a"}):
        refused = api.post(path, body | {"device": unknown}, content_type="application/json")
        assert (refused.status_code, set(refused.json()["errors"])) == (400, {"device"})


def content_of(answer) -> bytes:
    """What a streamed answer holds, read as the ASGI server reads it: piece by piece, asynchronously."""

    async def gather() -> bytes:
        return b"".join([piece async for piece in answer])

    return async_to_sync(gather)()


class TestFiles:
    def fetch(self, client, device, entry, **headers):
        credential = make_credential(device)
        headers |= {"Authorization": f"Bearer {credential}"}
        return client.get(f"/agent/v1/data/{entry['sha256']}", headers=headers)

    def entry(self, prepared):
        return next(entry for entry in prepared.manifest["files"] if entry["name"] == "train.image.bin")

    def test_a_device_fetches_what_its_assignment_needs_and_nothing_else(self, client, prepared, monkeypatch):
        device, entry = make_device(), self.entry(prepared)
        assert self.fetch(client, device, entry).status_code == 404
        monkeypatch.setattr(
            queries.devices, "data_of_device", [lambda asked: [prepared.hash] if asked == device else []]
        )
        answer = self.fetch(client, device, entry)
        content = (places.prepared_data(prepared.hash) / entry["name"]).read_bytes()
        assert (answer.status_code, answer["Content-Length"]) == (200, str(entry["bytes"]))
        assert content_of(answer) == content
        assert self.fetch(client, make_device("other"), entry).status_code == 404

    @pytest.mark.parametrize(
        ("asked", "status", "slice_"),
        [
            ("bytes=0-9", 206, slice(0, 10)),
            ("bytes=100-", 206, slice(100, None)),
            ("bytes=-7", 206, slice(-7, None)),
            ("bytes=0-", 200, slice(None)),
            ("bytes=nonsense", 200, slice(None)),
        ],
    )
    def test_a_download_goes_on_where_it_was_cut(self, client, prepared, asked, status, slice_):
        device, entry = make_device(), self.entry(prepared)
        services.want_on(prepared, device)
        answer = self.fetch(client, device, entry, Range=asked)
        content = (places.prepared_data(prepared.hash) / entry["name"]).read_bytes()
        assert (answer.status_code, content_of(answer)) == (status, content[slice_])

    def test_a_range_past_the_end_is_416_and_no_credential_is_401(self, client, prepared):
        device, entry = make_device(), self.entry(prepared)
        services.want_on(prepared, device)
        answer = self.fetch(client, device, entry, Range=f"bytes={entry['bytes']}-")
        assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{entry['bytes']}")
        assert client.get(f"/agent/v1/data/{entry['sha256']}").status_code == 401
