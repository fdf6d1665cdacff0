"""An import that asks: what was found is shown, nothing of it is data yet, and somebody decides."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry
from catalog import drawings, places, queries, services, tasks
from catalog.models import Dataset, DatasetState, DatasetVersion
from catalog.services import reviewing
from tests.accounts.factories import make_user
from tests.catalog.data_factories import coco, texts_csv
from tests.catalog.factories import class_folders, files_below, imported, upload, version_of, why, zipped

pytestmark = pytest.mark.django_db
LIST = "/api/v1/datasets/"


def table(rows: int = 40, **more: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("reviews.csv", texts_csv(rows, **more).encode())


def run(slug: str = "reviews") -> Dataset:
    tasks.import_dataset(Dataset.objects.get(slug=slug).pk)
    return Dataset.objects.get(slug=slug)


def waiting(api, review: object = "true", **more: str) -> Dataset:
    """A table whose import has run and asks."""
    answer = api.post(LIST, {"file": table(**more), "review": review})
    assert answer.status_code == 202, answer.json()
    return run()


def test_what_was_found_is_told_and_becomes_a_version_on_commit(api):
    dataset = waiting(api, delimiter=";")
    assert dataset.state == DatasetState.REVIEW
    told = api.get(f"{LIST}reviews/").json()
    assert (told["state"], told["version"], told["import"]["state"]) == ("review", None, "review")
    found = api.get(f"{LIST}reviews/found/").json()
    assert (found["task"], found["kind"], found["items"]) == ("text-classification", "text", 40)
    assert (found["schema"]["detected"]["encoding"], found["schema"]["detected"]["delimiter"]) == ("utf-8", "semicolon")
    assert [column["name"] for column in found["schema"]["detected"]["columns"]] == ["text", "label"]
    assert found["splits"]["train"]["classes"] == {"bad": 16, "good": 16}
    assert len(found["samples"]) == 8
    assert "the film" in json.dumps(found["samples"]) or "a dull" in json.dumps(found["samples"])
    committed = api.post(f"{LIST}reviews/commit/", {"hash": found["hash"]}, "application/json")
    assert (committed.status_code, committed.json()["state"]) == (200, "ready")
    assert (committed.json()["version"]["hash"], committed.json()["review"]) == (found["hash"], None)
    assert version_of(Dataset.objects.get()).source["file"] == "reviews.csv"
    assert len(api.get(f"{LIST}reviews/versions/1/items/").json()["items"]) == 24
    assert api.post(f"{LIST}reviews/commit/").status_code == 409
    assert api.get(f"{LIST}reviews/found/").status_code == 404
    assert AuditEntry.objects.filter(verb="committed").count() == 1


def test_what_waits_is_no_data_of_anybody(api, home):
    waiting(api)
    assert not DatasetVersion.objects.exists()
    assert files_below(home / "datasets") == set()
    assert api.get(f"{LIST}reviews/versions/").json()["count"] == 0
    spec = {"task": "text-classification", "dataset": "reviews", "model": {"source": "text"}}
    job = api.post("/api/v1/jobs/", spec, "application/json")
    assert job.status_code == 400, job.json()
    assert "is not imported yet" in str(job.json()["errors"]["dataset"])
    assert api.get(f"{LIST}?state=review").json()["count"] == 1
    assert api.get(f"{LIST}?state=ready").json()["count"] == 0


def test_outside_programs_that_do_not_ask_get_what_they_got_before(api):
    assert api.post(LIST, {"file": table()}).status_code == 202
    assert run().state == DatasetState.READY
    refused = api.post(LIST, {"file": table(), "review": "perhaps"})
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"review"})


@pytest.mark.parametrize(
    ("files", "asks"),
    [
        (class_folders(each=4), False),
        (class_folders(each=4) | {"cat/broken.png": b"no picture"}, True),
        (coco(), False),
        ({"reviews.csv": texts_csv().encode()}, True),
    ],
)
def test_it_asks_where_something_was_guessed_or_left_out(api, files, asks):
    api.post(LIST, {"file": upload(zipped(files)), "review": "unclear"})
    assert run("pictures").state == (DatasetState.REVIEW if asks else DatasetState.READY)


def test_it_is_read_otherwise_until_it_is_right(api, home):
    first = waiting(api, header="words,verdict").found["hash"]
    body = {"task": "causal-lm", "text_column": "words", "label_column": "verdict", "review": True}
    again = api.post(f"{LIST}reviews/versions/", body, "application/json")
    assert (again.status_code, again.json()["state"]) == (202, "importing")
    assert api.post(f"{LIST}reviews/commit/").status_code == 409
    found = run().found
    assert (found["task"], found["options"]["task"]) == ("causal-lm", "causal-lm")
    assert found["hash"] != first
    assert {path.name for path in places.incoming(Dataset.objects.get().pk).iterdir()} == {found["hash"]}
    seen_before = api.post(f"{LIST}reviews/commit/", {"hash": first}, "application/json")
    assert seen_before.status_code == 409
    assert api.post(f"{LIST}reviews/commit/").status_code == 200
    assert (version_of(run()).options, Dataset.objects.get().task) == (found["options"], "causal-lm")
    assert files_below(home / "incoming") == set()


def test_reading_it_otherwise_in_vain_leaves_what_was_found_before(api):
    found = waiting(api).found
    api.post(f"{LIST}reviews/versions/", {"label_column": "stars", "review": True}, "application/json")
    dataset = run()
    assert (dataset.state, dataset.found) == (DatasetState.REVIEW, found)
    assert "stars" in why(dataset)
    assert api.post(f"{LIST}reviews/commit/").status_code == 200
    assert version_of(Dataset.objects.get()).options == {}


def test_cancelling_leaves_no_file_and_earlier_versions_as_they_are(api, home, maria):
    waiting(api)
    assert api.post(f"{LIST}reviews/cancel/").json()["state"] == "failed"
    assert files_below(home / "uploads") | files_below(home / "incoming") | files_below(home / "datasets") == set()
    assert api.post(f"{LIST}reviews/cancel/").status_code == 409

    imported(class_folders(each=4), maria)
    before = files_below(home / "uploads"), files_below(home / "datasets")
    api.post(f"{LIST}pictures/versions/", {"file": upload(zipped(class_folders(each=5))), "review": "true"})
    assert run("pictures").state == DatasetState.READY
    assert api.get(f"{LIST}pictures/").json()["state"] == "review"
    other = api.post(f"{LIST}pictures/versions/", {"file": upload(zipped(class_folders()))})
    assert (other.status_code, "waits for a decision" in other.json()["detail"]) == (409, True)
    assert api.post(f"{LIST}pictures/cancel/").json()["state"] == "ready"
    assert (files_below(home / "uploads"), files_below(home / "datasets")) == before
    assert files_below(home / "incoming") == set()


def test_nobody_decides_for_a_week_and_it_goes(api, home):
    dataset = waiting(api)
    services.take_up_again(timezone.now() + reviewing.KEPT_FOR - timedelta(minutes=5))
    assert Dataset.objects.get().found
    services.take_up_again(timezone.now() + reviewing.KEPT_FOR + timedelta(minutes=5))
    dataset.refresh_from_db()
    assert (dataset.state, dataset.found) == (DatasetState.FAILED, {})
    assert "within 7 days" in why(dataset)
    assert files_below(home / "uploads") | files_below(home / "incoming") == set()


def test_it_waits_over_a_restart_and_is_not_imported_again(api, sent):
    dataset = waiting(api)
    sent.clear()
    services.take_up_again(timezone.now() + timedelta(hours=1))
    assert sent == []
    assert run().found == dataset.found


def test_a_removed_dataset_leaves_nothing_of_what_waited(api, home):
    dataset = waiting(api)
    assert api.delete(f"{LIST}reviews/").status_code == 204
    tasks.sweep_removed(dataset.pk)
    assert files_below(home / "uploads") | files_below(home / "incoming") == set()
    assert api.post(f"{LIST}reviews/commit/").status_code == 410


def test_what_waits_keeps_the_files_that_it_shares_with_a_removed_dataset(api, maria):
    api.post(LIST, {"file": table(), "name": "old"})
    old = run("old")
    content_hash = version_of(old).content_hash
    assert waiting(api).found["hash"] == content_hash
    services.remove(old, actor=maria, via="page")
    tasks.sweep_removed(old.pk)
    assert places.version(content_hash).exists()


def test_the_page_shows_it_and_offers_to_import_change_or_cancel(maria):
    client = Client()
    client.force_login(maria, backend="django.contrib.auth.backends.ModelBackend")
    client.post("/datasets/new/", {"file": table(header="words,verdict"), "name": "Reviews"})
    run()
    text = client.get("/datasets/reviews/").content.decode()
    for words in ("Import this", "Read it otherwise", "Cancel", "utf-8", "verdict", "text-classification", "the film"):
        assert words in text
    assert client.get("/datasets/reviews/?part=now").headers["Location"] == "/datasets/reviews/"
    viewer = Client()
    viewer.force_login(make_user("vera", "viewer"), backend="django.contrib.auth.backends.ModelBackend")
    assert "Import this" not in viewer.get("/datasets/reviews/").content.decode()
    assert viewer.post("/datasets/reviews/do/commit/").status_code == 403
    client.post("/datasets/reviews/add/", {"task": "causal-lm", "text_column": "words", "label_column": "verdict"})
    assert run().found["task"] == "causal-lm"
    client.post("/datasets/reviews/do/commit/", {"hash": Dataset.objects.get().found["hash"]})
    assert client.get("/datasets/reviews/").headers["Location"] == "/datasets/reviews/v/1/"


def test_cancelling_on_the_page_takes_a_dataset_that_never_was_one_away(maria):
    client = Client()
    client.force_login(maria, backend="django.contrib.auth.backends.ModelBackend")
    client.post("/datasets/new/", {"file": table()})
    run()
    assert client.post("/datasets/reviews/do/stop/").headers["Location"] == "/datasets/"
    assert Dataset.objects.get().removed_at


def test_pictures_that_wait_are_shown_to_those_who_may_see_them(api, maria):
    api.post(LIST, {"file": upload(zipped(class_folders(each=4))), "review": "true"})
    run("pictures")
    client = Client()
    client.force_login(maria, backend="django.contrib.auth.backends.ModelBackend")
    address = api.get(f"{LIST}pictures/found/").json()["samples"][0]["image"]
    assert client.get(address).headers["Content-Type"] == "image/png"
    assert client.get("/datasets/pictures/add/").status_code == 200
    Dataset.objects.update(sensitive=True)
    viewer = Client()
    viewer.force_login(make_user("vera", "viewer"), backend="django.contrib.auth.backends.ModelBackend")
    assert viewer.get(address).status_code == 403
    waiting = queries.found_version(Dataset.objects.get())
    items = queries.items_at(waiting, [0])
    services.cancel_import(Dataset.objects.get(), maria, via="page")
    assert client.get(address).status_code == 404
    with pytest.raises(FileNotFoundError):  # a picture that was asked for just before leaves nothing wrong behind
        drawings.draw(waiting, items)
