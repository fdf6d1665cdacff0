"""Data from the web over REST: off by default; from the request to a version whose items say where they come from."""

import json

import pytest
from django.test import TestCase

from accounts import services as accounts
from accounts.models import AuditEntry
from catalog import places, tasks
from catalog.models import Dataset
from catalog.services import fetching, web_sources
from recipes.version import read_items
from tests.catalog.factories import class_folders, files_below, version_of, why, zipped
from tests.catalog.web.asking import imported, post
from tests.catalog.web.factories import LICENCE, SECTIONS, quick, sections
from tests.catalog.web.sites import site

pytestmark = pytest.mark.django_db
OFF = "Importing from URLs is off on this server. Ask an admin."


@pytest.fixture
def switched_on(root):
    accounts.change_setting("url_import", True, root)


@pytest.fixture
def served(root, switched_on, monkeypatch):
    """A site that an admin allows, and a fetcher that is not kept waiting: in life it asks twice a second."""
    real = web_sources.asked_of
    monkeypatch.setattr(
        web_sources, "asked_of", lambda source: quick(web_sources.asked.from_json(real(source))).to_json()
    )
    with site(sections()) as found:
        accounts.change_setting("web_hosts", found.host, root)
        yield found


@pytest.mark.parametrize("name", ["url", "urls", "crawl"])
def test_it_is_off_until_an_admin_switches_it_on(client, maria, name):
    """S61"""
    answer = post(client, {name: "https://example.org/"})
    assert (answer.status_code, answer.json()["detail"]) == (403, OFF)
    assert not Dataset.objects.exists()


def test_switching_it_on_is_in_the_audit_log(switched_on):
    entry = AuditEntry.objects.get(verb="setting changed")
    assert (entry.before, entry.after) == ({"url_import": False}, {"url_import": True})


def test_private_addresses_are_refused_in_the_request(client, maria, switched_on, home):
    """S57"""
    for body in (
        {"url": "http://169.254.169.254/latest/meta-data/"},
        {"urls": "http://10.0.0.1/a.png cat\nhttp://[::1]/b.png dog"},
        {"crawl": {"start": ["http://127.0.0.1/"]}},
    ):
        answer = post(client, body)
        assert answer.status_code == 400
        assert "inside a private network" in json.dumps(answer.json()["errors"])
    assert post(client, {"url": ["http://169.254.169.254/"]}).json()["errors"] == {"url": ["Expected an address."]}
    assert not files_below(home / "uploads")


def test_a_name_that_leads_into_a_private_network_ends_the_import_with_that_reason(client, maria, switched_on, home):
    """S57"""
    dataset = imported(client, {"url": "http://localhost/data.zip"})
    assert (dataset.state, "inside a private network" in why(dataset)) == ("failed", True)
    assert not files_below(home / "uploads")


def test_one_archive_is_fetched_and_imported_like_an_upload(client, maria, served):
    served.pages["/files/pets.zip"] = (200, {"Content-Type": "application/zip"}, zipped(class_folders()))
    dataset = imported(client, {"url": f"{served.url}/files/pets.zip"})
    assert (dataset.state, dataset.name, version_of(dataset).items) == ("ready", "pets", 20), why(dataset)
    assert dataset.source["url"] == f"{served.url}/files/pets.zip"
    assert dataset.source["fetched"]["file"] == "pets.zip"


def test_one_archive_whose_worker_was_killed_is_gone_on_with(client, maria, served):
    packed, asked = zipped(class_folders()), []

    def page(handler) -> None:
        asked.append(handler.headers.get("Range", ""))
        start = int(asked[-1].removeprefix("bytes=").rstrip("-") or 0)
        told = {"ETag": '"v1"', "Content-Range": f"bytes {start}-{len(packed) - 1}/{len(packed)}"}
        handler.answer(206 if start else 200, told, packed[start:])

    served.pages["/pets.zip"] = page
    answer = post(client, {"url": f"{served.url}/pets.zip"})
    dataset = Dataset.objects.get(slug=answer.json()["slug"])
    place = places.upload(dataset.asked["source"]["stored"])
    place.mkdir()
    (place / "body").write_bytes(packed[:1000])
    (place / "facts.json").write_text(json.dumps({"mark": '"v1"'}))
    tasks.import_dataset(dataset.pk)
    dataset.refresh_from_db()
    assert asked == ["bytes=1000-"]
    assert (dataset.state, version_of(dataset).items) == ("ready", 20), why(dataset)


@pytest.mark.parametrize(
    ("path", "part"), [("/apples/", "Crawl it instead"), ("/nothing.zip", "answers with 404"), ("/apples/0.png", "")]
)
def test_what_is_no_file_of_data_ends_with_its_reason(client, maria, served, path, part, home):
    dataset = imported(client, {"url": f"{served.url}{path}"})
    assert dataset.state == "failed"
    assert part in why(dataset)
    assert not files_below(home / "uploads")


def test_a_list_of_addresses_with_labels_becomes_a_version(client, maria, served):
    rows = [
        {"url": f"{served.url}/{name}/{n}.png", "label": f"a {name}"} for name in ("pears", "plums") for n in range(3)
    ]
    dataset = imported(client, {"urls": [*rows, {"url": f"{served.url}/private/1.png", "label": "x"}]})
    version = version_of(dataset)
    assert version.schema["classes"] == ["a pears", "a plums"]
    assert "/private/1.png" not in served.paths
    assert dataset.source["fetched"]["refusals"][0]["url"].endswith("/private/1.png")


def test_a_crawl_becomes_a_version_whose_items_say_where_they_come_from(client, maria, served):
    dataset = imported(client, {"crawl": {"start": [f"{served.url}/"]}, "name": "fruit"})
    version = version_of(dataset)
    assert (dataset.state, version.schema["classes"], version.items) == ("ready", list(SECTIONS), 12), why(dataset)
    origins = [item.origin for item in read_items(places.version(version.content_hash))]
    assert {origin["url"] for origin in origins} == {f"{served.url}/{s}/{n}.png" for s in SECTIONS for n in range(4)}
    assert {origin["licence"] for origin in origins} == {LICENCE, "unknown"}
    assert all(origin["fetched_at"] for origin in origins)
    assert (version.source["fetched"]["pages"], version.source["fetched"]["items"]) == (4, 12)


def test_a_crawl_of_texts_becomes_a_text_version(client, maria, served):
    dataset = imported(client, {"crawl": {"start": [f"{served.url}/"], "take": "texts"}})
    version = version_of(dataset)
    assert (dataset.task, version.schema["classes"]) == ("text-classification", list(SECTIONS)), why(dataset)
    item = next(read_items(places.version(version.content_hash)))
    assert item.data["text"].startswith("All about")
    assert item.origin["licence"]


def test_a_crawl_works_in_slices_and_asks_for_nothing_twice(client, maria, served, monkeypatch, sent):
    monkeypatch.setattr(fetching, "SLICE_S", 0.1)
    answer = post(client, {"crawl": {"start": [f"{served.url}/"]}})
    dataset = Dataset.objects.get(slug=answer.json()["slug"])
    turns = 0
    while Dataset.objects.get().state == "importing":
        tasks.import_dataset(dataset.pk)
        turns += 1
    assert turns > 1
    assert len(served.paths) == len(set(served.paths))
    assert version_of(dataset).items == 12


def test_a_crawl_that_finds_nothing_says_what_was_in_the_way(client, maria, served, home):
    served.pages["/robots.txt"] = "User-agent: Fleetune\nDisallow: /\n"
    dataset = imported(client, {"crawl": {"start": [f"{served.url}/"]}})
    assert dataset.state == "failed"
    assert "robots.txt forbids it" in why(dataset)
    assert not files_below(home / "uploads")


def test_a_page_sees_how_far_a_crawl_is(client, maria, served, monkeypatch):
    monkeypatch.setattr(fetching, "SLICE_S", 0.05)
    answer = post(client, {"crawl": {"start": [f"{served.url}/"]}})
    tasks.import_dataset(Dataset.objects.get().pk)
    told = client.get(f"/api/v1/datasets/{answer.json()['slug']}/").json()["fetching"]
    assert told["waiting"] >= 1
    assert told["pages"] + told["items"] < 16


def test_switching_it_off_ends_a_crawl_at_its_next_turn(client, maria, served, root):
    answer = post(client, {"crawl": {"start": [f"{served.url}/"]}})
    accounts.change_setting("url_import", False, root)
    tasks.import_dataset(Dataset.objects.get(slug=answer.json()["slug"]).pk)
    assert why(Dataset.objects.get()) == OFF
    assert served.log == []


def test_the_settings_of_the_web_are_checked(client, root):
    client.force_login(root)
    for value, part in (("http://a/", "is no host"), ("intranet:abc", "is no host"), (7, "Expected text")):
        answer = client.patch("/api/v1/settings/", json.dumps({"web_hosts": value}), "application/json")
        assert answer.status_code == 400
        assert part in answer.json()["errors"]["web_hosts"][0]
    answer = client.patch("/api/v1/settings/", json.dumps({"web_contact": "Zoë"}), "application/json")
    assert "ASCII" in answer.json()["errors"]["web_contact"][0]
    body = json.dumps({"web_hosts": "intranet.example:8080\n10.0.0.5", "web_contact": "ops@example.org"})
    assert client.patch("/api/v1/settings/", body, "application/json").status_code == 200
    assert web_sources.hosts() == {"intranet.example:8080", "10.0.0.5"}
    assert web_sources.agent().endswith("(ops@example.org)")


def test_a_crawl_that_is_stopped_leaves_no_file_behind(client, maria, served, monkeypatch, home):
    monkeypatch.setattr(fetching, "SLICE_S", 0.05)
    slug = post(client, {"crawl": {"start": [f"{served.url}/"]}}).json()["slug"]
    tasks.import_dataset(Dataset.objects.get().pk)
    assert files_below(home / "uploads")
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert client.post(f"/api/v1/datasets/{slug}/cancel/").status_code == 200
    assert (Dataset.objects.get().state, why(Dataset.objects.get())) == ("failed", "maria stopped the import.")
    assert not files_below(home / "uploads")


def test_pages_show_where_items_come_from_and_what_was_left_out(client, maria, served):
    dataset = imported(client, {"crawl": {"start": [f"{served.url}/"]}})
    overview = client.get(f"/datasets/{dataset.slug}/v/1/").content.decode()
    assert f"{served.url}/" in overview
    assert "robots.txt forbids it" in overview
    samples = client.get(f"/datasets/{dataset.slug}/v/1/samples/").content.decode()
    assert f'href="{served.url}/apples/0.png"' in samples
    assert "licence unknown" in samples
    assert LICENCE in samples
