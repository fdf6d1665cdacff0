"""REST of datasets and recipes, as a script with a token uses it."""

import shutil
from types import SimpleNamespace

import pytest

from catalog import services, tasks
from catalog.models import Dataset, Recipe
from tests.accounts.factories import bearer, make_admin, make_project, make_token, make_user
from tests.catalog.factories import class_folders, imported, upload, version_of, zipped

pytestmark = pytest.mark.django_db
LIST = "/api/v1/datasets/"


def as_(client, user, scope="run"):
    client.defaults["HTTP_AUTHORIZATION"] = bearer(make_token(user, scope))["Authorization"]
    return client


def test_a_zip_comes_in_and_becomes_ready(api):
    answer = api.post(LIST, {"file": upload(zipped(class_folders())), "name": "Pets"})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["slug"], body["state"], body["version"]) == ("pets", "importing", None)
    tasks.import_dataset(Dataset.objects.get().pk)
    ready = api.get(f"{LIST}pets/").json()
    assert (ready["state"], ready["progress"]) == ("ready", 1)
    assert ready["version"]["splits"] == {"train": 16, "validation": 2, "test": 2}
    assert ready["version"]["classes"] == ["cat", "dog"]


def test_a_builtin_comes_in_by_name(api):
    answer = api.post(LIST, {"builtin": "mnist-5k"}, content_type="application/json")
    assert (answer.status_code, answer.json()["slug"]) == (202, "mnist-5k")


def test_a_zip_that_is_refused_ends_as_failed_with_its_reason(api):
    answer = api.post(LIST, {"file": upload(zipped({"cat/1.png": b"x", "../dog.png": b"y"}), "bad.zip")})
    assert answer.status_code == 202
    tasks.import_dataset(Dataset.objects.get().pk)
    failed = api.get(f"{LIST}bad/").json()
    assert (failed["state"], failed["error"]) == ("failed", "'../dog.png' points outside the archive.")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "file"),
        ({"file": "text"}, "file"),
        ({"builtin": "mnist"}, "builtin"),
        ({"builtin": ["mnist-5k"]}, "builtin"),
        ({"builtin": "mnist-5k", "owner": 1, "state": "ready"}, "owner"),
        ({"builtin": "mnist-5k", "project": "secret"}, "project"),
        ({"builtin": "mnist-5k", "name": "x" * 121}, "name"),
        ([], "body"),
    ],
)
def test_an_impossible_body_is_400_with_its_field_and_changes_nothing(api, body, field):
    """S03"""
    answer = api.post(LIST, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]
    assert not Dataset.objects.exists()


def test_importing_from_a_url_is_off(api):
    answer = api.post(LIST, {"url": "http://10.0.0.1/x.zip"}, content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "Importing from URLs is off on this server. Ask an admin."


def test_an_upload_that_does_not_fit_is_413_before_it_is_read(api, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2**20))
    answer = api.post(LIST, {"file": upload(zipped(class_folders()))})
    assert (answer.status_code, "1 MiB are free" in answer.json()["detail"]) == (413, True)
    assert not Dataset.objects.exists()


def test_the_same_key_gives_the_same_answer(api):
    """S18"""
    headers = {"Idempotency-Key": "abc"}
    answers = [api.post(LIST, {"file": upload(zipped(class_folders()))}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Dataset.objects.count() == 1


def test_the_list_is_paged_filtered_and_ordered(api):
    for name in ("b pets", "a pets", "cars"):
        imported(class_folders(), name=name)
    imported({"cat/1.png": b"x"}, name="broken")
    page = api.get(f"{LIST}?search=pets&ordering=name&page_size=1").json()
    assert (page["count"], [row["slug"] for row in page["results"]]) == (2, ["a-pets"])
    assert api.get(f"{LIST}?state=failed").json()["results"][0]["slug"] == "broken"


@pytest.mark.parametrize("query", ["ordering=owner__password", "state=odd", "owner__password=x", "task=x"])
def test_an_unknown_filter_or_order_is_400_naming_the_known_ones(api, query):
    """S36"""
    answer = api.get(f"{LIST}?{query}")
    assert answer.status_code == 400
    assert "Unknown" in str(answer.json()["errors"])


def test_renaming_honours_if_match(api, maria):
    imported(class_folders(), maria)
    etag = api.get(f"{LIST}pictures/")["ETag"]
    change = {"name": "Pets", "sensitive": True}
    answer = api.patch(f"{LIST}pictures/", change, content_type="application/json", headers={"If-Match": etag})
    assert (answer.status_code, answer.json()["name"], answer.json()["sensitive"]) == (200, "Pets", True)
    late = api.patch(f"{LIST}pictures/", {"name": "x"}, content_type="application/json", headers={"If-Match": etag})
    assert late.status_code == 412
    assert Dataset.objects.get().name == "Pets"


def test_read_only_fields_cannot_be_changed(api, maria):
    """S04"""
    imported(class_folders(), maria)
    answer = api.patch(f"{LIST}pictures/", {"state": "failed", "slug": "x"}, content_type="application/json")
    assert set(answer.json()["errors"]) == {"state", "slug"}


def test_a_removed_dataset_is_410_and_says_who(api, maria):
    imported(class_folders(), maria)
    assert api.delete(f"{LIST}pictures/").status_code == 204
    for call in (api.get, api.delete, api.patch):
        answer = call(f"{LIST}pictures/")
        assert (answer.status_code, answer.json()["removed_by"]) == (410, "maria")
    assert api.get(f"{LIST}pictures/versions/").status_code == 410
    assert api.get(LIST).json()["count"] == 0


def test_a_used_dataset_is_409_with_the_jobs(api, maria, monkeypatch):
    imported(class_folders(), maria)
    monkeypatch.setattr(services.datasets, "users_of_dataset", [lambda _: [{"text": "#12 pets", "url": "/jobs/12/"}]])
    answer = api.delete(f"{LIST}pictures/")
    assert (answer.status_code, answer.json()["jobs"]) == (409, [{"text": "#12 pets", "url": "/jobs/12/"}])


def test_versions_tell_hash_prepared_data_and_readiness(api, maria):
    imported(class_folders(), maria)
    prepared = api.post(f"{LIST}pictures/versions/1/prepare/", {}, content_type="application/json")
    assert (prepared.status_code, prepared.json()["state"]) == (202, "waiting")
    (version,) = api.get(f"{LIST}pictures/versions/").json()["results"]
    assert version["hash"] == version_of(Dataset.objects.get()).content_hash
    assert version["prepared"][0]["recipe"] == prepared.json()["recipe"]
    assert version["readiness"] == []
    assert version["splits"]["train"]["classes"] == {"cat": 8, "dog": 8}


def test_a_bad_recipe_is_400_with_every_path(api, maria):
    imported(class_folders(), maria)
    body = {"recipe": [{"step": "resize"}, {"step": "polish"}]}
    answer = api.post(f"{LIST}pictures/versions/1/prepare/", body, content_type="application/json")
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"recipe.0.size", "recipe.1.step"})


def test_recipes_are_checked_kept_and_listed_in_words(api, maria):
    imported(class_folders(), maria)
    body = {"steps": [{"step": "grayscale"}, {"step": "scale"}], "dataset": "pictures"}
    made = api.post("/api/v1/recipes/", body, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["words"][1] == "Turn into shades of grey (1 channel)."
    assert api.get("/api/v1/recipes/").json()["results"] == [made.json()]
    steps = {step["step"]: step for step in api.get("/api/v1/recipes/steps/").json()}
    assert steps["scale"]["parameters"] == {"to": [0, 1]}
    assert steps["redact"]["kinds"] == ["text", "table"]
    assert steps["blur"]["does_not_protect"]
    bad = api.post("/api/v1/recipes/", {"steps": [{"step": "scal"}]}, content_type="application/json")
    assert set(bad.json()["errors"]) == {"steps.0.step"}
    foreign = {"steps": [], "dataset": "nothing"}
    assert "dataset" in api.post("/api/v1/recipes/", foreign, content_type="application/json").json()["errors"]
    assert Recipe.objects.count() == 1


def test_another_projects_dataset_looks_like_none(client, maria):
    """S01"""
    owner = make_user("eve", "")
    other = make_project("vision", owner)
    services.add_upload(owner, other, "secret", upload(zipped(class_folders())))
    api = as_(client, maria)
    hidden, unknown = api.get(f"{LIST}secret/"), api.get(f"{LIST}nothing/")
    assert (hidden.status_code, hidden.content) == (404, unknown.content)
    assert api.get(LIST).json()["count"] == 0
    assert api.delete(f"{LIST}secret/").status_code == 404


def test_roles_and_scopes_decide(client, maria):
    """S02"""
    imported(class_folders(), maria)
    body = {"builtin": "mnist-5k"}
    viewer = as_(client, make_user("victor", "viewer"), "read")
    assert viewer.get(f"{LIST}pictures/").status_code == 200
    assert viewer.post(LIST, body, content_type="application/json").status_code == 403
    other = as_(client, make_user("oskar", "operator"))
    assert other.delete(f"{LIST}pictures/").status_code == 403
    reader = as_(client, maria, "read")
    refused = reader.post(LIST, body, content_type="application/json")
    assert (refused.status_code, "may only read" in refused.json()["detail"]) == (403, True)
    assert as_(client, make_admin(), "admin").delete(f"{LIST}pictures/").status_code == 204


def test_without_signing_in_there_is_nothing(client):
    assert client.get(LIST).status_code == 401
    assert client.post(LIST, {"builtin": "mnist-5k"}, content_type="application/json").status_code == 401


def test_a_dataset_names_what_its_import_left_out(api, maria):
    imported(class_folders() | {f"cat/broken{n:02}.png": b"x" for n in range(25)}, maria)
    told = api.get(f"{LIST}pictures/").json()
    assert told["version"]["unreadable"] == 25
    assert [row["name"] for row in told["left_out"]] == [f"cat/broken{n:02}.png" for n in range(20)]
    assert all(row["reason"] for row in told["left_out"])


def test_a_page_of_items_is_as_long_as_asked_up_to_a_bound(api, maria):
    imported(class_folders(each=60, width=2, height=2), maria)
    items = f"{LIST}pictures/versions/1/items/"
    for query, shown, pages in (
        ("", 24, 5),
        ("page_size=50", 50, 3),
        ("page_size=5000", 100, 2),
        ("page_size=0", 1, 120),
    ):
        page = api.get(f"{items}?{query}").json()
        assert (len(page["items"]), page["pages"], page["count"]) == (shown, pages, 120)
    first, second = (api.get(f"{items}?page_size=50&page={n}").json()["items"] for n in (1, 2))
    assert not {item["number"] for item in first} & {item["number"] for item in second}
    assert set(api.get(f"{items}?page_size=many").json()["errors"]) == {"page_size"}


def test_a_split_class_or_filter_of_items_that_is_none_is_named(api, maria):
    """S36"""
    imported(class_folders(), maria)
    items = f"{LIST}pictures/versions/1/items/"
    assert api.get(f"{items}?class=cat&split=train").json()["count"] == 8
    for query, field in (
        ("class=bird", "class"),
        ("split=dev", "split"),
        ("label=cat", "label"),
        ("split__in=x", "split__in"),
    ):
        answer = api.get(f"{items}?{query}")
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {field})
    assert set(api.get(f"{LIST}pictures/versions/1/diff/?since=1").json()["errors"]) == {"since"}


@pytest.mark.parametrize("number", ["99999999999999999999", "-1", "0", "1e3", "%00", "1;2"])
def test_numbers_of_versions_and_pages_that_are_none_are_never_an_error_of_the_server(api, maria, number):
    """S44"""
    imported(class_folders(), maria)
    for path in (f"{number}/items/", f"{number}/diff/", f"1/items/?page={number}", f"1/diff/?from={number}"):
        assert api.get(f"{LIST}pictures/versions/{path}").status_code in (200, 400, 404)
    assert api.get(f"{LIST}?page={number}").status_code in (200, 404)
    assert len(api.get(f"{LIST}?page_size=1000000000").json()["results"]) == 1
