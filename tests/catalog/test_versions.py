"""Versions: another one of a dataset, read otherwise, compared; an import that is stopped or fails leaves the rest."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEntry, Project
from catalog import queries, services, tasks
from catalog.imports.options import Options
from catalog.models import Dataset, DatasetState
from catalog.services import importing, sources
from tests.accounts.factories import bearer, make_token, make_user
from tests.catalog.data_factories import texts_csv
from tests.catalog.factories import class_folders, files_below, imported, picture, upload, version_of, why, zipped

pytestmark = pytest.mark.django_db
LIST = "/api/v1/datasets/"


def run(dataset: Dataset) -> Dataset:
    tasks.import_dataset(dataset.pk)
    dataset.refresh_from_db()
    return dataset


def add(dataset: Dataset, files: dict[str, bytes] | None, **options: str) -> Dataset:
    """Another version whose import has run."""
    source = sources.file(upload(zipped(files))) if files else None
    services.add_version(dataset, source, Options(**options), dataset.owner, via="page")
    return run(dataset)


def test_the_same_zip_twice_is_one_version_and_one_changed_pixel_another_whose_diff_names_the_file(api, maria):
    dataset = imported(class_folders(), maria)
    assert add(dataset, class_folders()).versions.count() == 1
    files = class_folders()
    files["cat/3.png"] = picture(seed=777)
    files["dog/new.png"] = files.pop("dog/5.png")
    add(dataset, files)
    assert [version.number for version in dataset.versions.all()] == [2, 1]
    diff = api.get(f"{LIST}pictures/versions/2/diff/").json()
    assert (diff["from"], diff["to"], diff["same"]) == (1, 2, False)
    assert (diff["added"], diff["removed"], diff["changed"]) == (0, 0, 1)
    assert diff["items"] == [{"change": "changed", "name": "cat/3.png", "what": ["content"]}]
    assert api.get(f"{LIST}pictures/versions/2/diff/?from=2").json()["same"] is True
    assert api.get(f"{LIST}pictures/versions/1/diff/").status_code == 404
    assert api.get(f"{LIST}pictures/versions/2/diff/?from=x").status_code == 400


def test_added_removed_and_relabelled_items_are_told_apart(maria):
    dataset = imported(class_folders(), maria)
    files = class_folders() | {"cat/99.png": picture(seed=500)}
    files["dog/turned.png"] = files.pop("cat/1.png")
    del files["dog/2.png"]
    diff = queries.diff(version_of(dataset), add(dataset, files).versions.first())
    found = {(row["change"], row["name"]) for row in diff["items"]}
    assert found == {
        ("added", "cat/99.png"),
        ("added", "dog/turned.png"),
        ("removed", "cat/1.png"),
        ("removed", "dog/2.png"),
    }


def test_a_table_is_read_again_otherwise_from_the_file_that_was_kept(api, maria):
    file = SimpleUploadedFile("reviews.csv", texts_csv(header="words,verdict").encode())
    assert api.post(LIST, {"file": file}).status_code == 202
    dataset = run(Dataset.objects.get())
    assert (dataset.task, dataset.source["file"]) == ("text-classification", "reviews.csv")
    body = {"task": "causal-lm", "text_column": "words", "label_column": "verdict"}
    answer = api.post(f"{LIST}reviews/versions/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["state"], answer.json()["import"]["state"]) == (202, *["importing"] * 2)
    run(dataset)
    told = api.get(f"{LIST}reviews/").json()
    assert (told["state"], told["task"], told["import"]["version"]) == ("ready", "causal-lm", 2)
    assert "stored" not in json.dumps(told)
    versions = api.get(f"{LIST}reviews/versions/").json()["results"]
    assert [version["task"] for version in versions] == ["causal-lm", "text-classification"]
    assert versions[0]["options"] == body
    assert "are prompts and answers" in versions[0]["schema"]["why"]
    items = api.get(f"{LIST}reviews/versions/2/items/").json()
    assert items["items"][0]["data"]["messages"][1]["content"] in ("good", "bad")


def test_a_failed_further_import_leaves_the_dataset_ready_and_no_file(home, maria):
    dataset = imported(class_folders(), maria)
    before = files_below(home / "uploads"), files_below(home / "datasets")
    add(dataset, {"cat/1.png": b"x", "dog/1.png": b"y"})
    assert (dataset.state, dataset.versions.count()) == (DatasetState.READY, 1)
    assert "None of it can be read" in why(dataset)
    told = queries.dataset_json(dataset)
    assert (told["state"], told["import"]["state"], told["import"]["version"]) == ("ready", "failed", None)
    assert (files_below(home / "uploads"), files_below(home / "datasets")) == before


def test_a_failed_first_import_leaves_no_file(home):
    dataset = imported({"cat/1.png": b"x", "dog/1.png": b"y"})
    assert dataset.state == DatasetState.FAILED
    assert files_below(home / "uploads") | files_below(home / "datasets") == set()


def test_a_running_import_is_stopped_with_its_files_and_another_can_begin(api, home, maria):
    dataset = services.add_upload(maria, Project.default(), "pets", upload(zipped(class_folders())))
    busy = api.post(f"{LIST}pets/versions/", {"file": upload(zipped(class_folders()))})
    assert busy.status_code == 409
    stopped = api.post(f"{LIST}pets/cancel/")
    assert (stopped.status_code, stopped.json()["state"]) == (200, "failed")
    assert stopped.json()["error"] == "maria stopped the import."
    assert api.post(f"{LIST}pets/cancel/").status_code == 409
    assert files_below(home / "uploads") == set()
    run(dataset)
    assert not dataset.versions.exists()
    assert api.post(f"{LIST}pets/versions/", {"file": upload(zipped(class_folders()))}).status_code == 202
    assert run(dataset).versions.count() == 1
    assert AuditEntry.objects.filter(verb="stopped").count() == 1


def test_a_worker_of_a_stopped_import_writes_nothing_into_the_next_one(maria):
    dataset = services.add_upload(maria, Project.default(), "pets", upload(zipped(class_folders())))
    old = Dataset.objects.get()
    services.cancel_import(dataset, maria, via="page")
    services.add_version(dataset, sources.file(upload(zipped(class_folders()))), Options(), maria, via="page")
    assert not importing.progress(old, 0.9)
    assert not importing.finish(old, {"hash": "x", "task": "t"})
    assert not importing.fail(old, "no", {})
    dataset.refresh_from_db()
    assert (dataset.progress, dataset.error) == (0, "")


def test_options_that_are_none_are_400_with_every_field(api, maria):
    body = {"builtin": "digits-8x8", "task": "image-clasification", "delimiter": "x", "encoding": "klingon"}
    answer = api.post(LIST, body, content_type="application/json")
    assert set(answer.json()["errors"]) == {"task", "delimiter", "encoding"}
    assert "Did you mean 'image-classification'" in str(answer.json()["errors"])
    both = api.post(LIST, {"builtin": "digits-8x8", "directory": "/data"}, content_type="application/json")
    assert "not several" in str(both.json()["errors"])


def test_a_refused_request_keeps_no_file(api, home):
    file = upload(zipped(class_folders()))
    assert api.post(LIST, {"file": file, "name": "x" * 121}).status_code == 400
    assert files_below(home / "uploads") == set()


def test_directories_are_off_until_an_admin_allows_a_root(api, settings, tmp_path):
    """S55"""
    body = {"directory": str(tmp_path / "root" / "pets")}
    off = api.post(LIST, body, content_type="application/json")
    assert "is off" in str(off.json()["errors"]["directory"])
    for name, data in class_folders().items():
        path = tmp_path / "root" / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    settings.FLEETUNE_DATA_ROOTS = [str(tmp_path / "root")]
    for outside in (str(tmp_path), f"{tmp_path}/root/../other", "root/pets", f"{tmp_path}/rooted"):
        answer = api.post(LIST, {"directory": outside}, content_type="application/json")
        assert "not below one" in str(answer.json()["errors"]["directory"])
    assert api.post(LIST, body, content_type="application/json").status_code == 202
    dataset = run(Dataset.objects.get())
    assert (dataset.slug, dataset.versions.get().items) == ("pets", 20)
    settings.FLEETUNE_DATA_ROOTS = []
    services.add_version(dataset, None, Options(), dataset.owner, via="page")
    run(dataset)
    assert "cannot be opened" in why(dataset)


def test_a_viewer_of_sensitive_rows_sees_no_values(client, maria):
    file = SimpleUploadedFile(
        "a.csv", ("size,city,y\n" + "".join(f"{n}.5,Town{n % 3},{'ab'[n % 2]}\n" for n in range(40))).encode()
    )
    dataset = run(services.add_upload(maria, Project.default(), "rows", file))
    services.set_sensitive(dataset, True, maria, via="page")
    client.defaults["HTTP_AUTHORIZATION"] = bearer(make_token(make_user("vera", "viewer"), "read"))["Authorization"]
    assert "Town1" not in client.get(f"{LIST}rows/versions/").content.decode()
    assert client.get(f"{LIST}rows/versions/1/items/").status_code == 403
    assert client.get(f"{LIST}rows/versions/1/diff/?from=1").status_code == 403


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("weights.pt", b"\x80\x04\x95abcdefgh", "can run code"),
        ("data.7z", b"7z\xbc\xaf\x27\x1cabc", "7-Zip archives are not read"),
        ("data.csv", b"", "empty"),
        ("data.zip", b"no zip at all", "not a zip archive"),
    ],
)
def test_useless_files_are_refused_at_once(api, home, name, data, sentence):
    answer = api.post(LIST, {"file": SimpleUploadedFile(name, data)})
    assert answer.status_code == 400
    assert sentence in str(answer.json()["errors"])
    assert not Dataset.objects.exists()
    assert files_below(home) == set()
