"""REST and pages of base models: who may do what, and what they answer."""

import pytest
from django.test import Client

from accounts.models import AuditEntry
from catalog.base_models import pages, services, tasks
from catalog.models import BaseModel
from tests.accounts.factories import bearer, make_admin, make_project, make_token, make_user
from tests.catalog.factories import upload, zipped
from tests.catalog.model_factories import placed, registered, tiny_model

pytestmark = pytest.mark.django_db
LIST = "/api/v1/models/"


def token_of(user, scope="run") -> Client:
    return Client(headers=bearer(make_token(user, scope)))


def browser_of(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_an_archive_comes_in_and_becomes_ready_with_files_and_facts(api):
    answer = api.post(LIST, {"file": upload(zipped(tiny_model()), "tiny.tar.gz"), "name": ""})
    assert (answer.status_code, answer.json()["slug"], answer.json()["state"]) == (202, "tiny", "importing")

    tasks.import_model(BaseModel.objects.get().pk)

    found = api.get(f"{LIST}tiny/").json()
    assert (found["state"], found["parameters"], found["tokenizer"]) == ("ready", 36, True)
    assert [file["name"] for file in found["files"]] == sorted(tiny_model())
    assert found["tensors"] == {"count": 2, "parameters": 36, "types": {"F32": 36}}
    assert found["config"]["hidden_size"] == 4
    assert AuditEntry.objects.get(verb="registered").via == "api"


def test_a_directory_of_the_server_comes_in_by_path(api, tmp_path, settings):
    settings.FLEETUNE_MODEL_ROOTS = [str(tmp_path)]
    (tmp_path / "m").mkdir()

    answer = api.post(LIST, {"path": str(tmp_path / "m")}, content_type="application/json")

    assert (answer.status_code, answer.json()["source"]) == (202, {"path": str(tmp_path / "m")})


@pytest.mark.parametrize(
    ("body", "path", "part"),
    [
        ({}, "file", "as 'file', or its 'path'"),
        ({"paht": "/models/a"}, "paht", "path"),
        ({"path": "/models/a"}, "path", "is off"),
        ({"path": 5}, "path", "whole path"),
        ({"path": "/models/a", "project": "none"}, "project", "No project 'none'"),
    ],
)
def test_bad_bodies_are_400_with_a_path_and_a_sentence(api, body, path, part):
    answer = api.post(LIST, body, content_type="application/json")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [path]
    assert part in answer.content.decode()


def test_a_refused_archive_says_why(api):
    api.post(LIST, {"file": upload(zipped(tiny_model() | {"pytorch_model.bin": b"x"}), "bad.zip")})
    tasks.import_model(BaseModel.objects.get().pk)

    found = api.get(f"{LIST}bad/").json()

    assert found["state"] == "failed"
    assert found["error"] == "'pytorch_model.bin' can run code when it is opened. Convert the weights to safetensors."


def test_the_list_is_filtered_and_a_wrong_filter_is_400(api, maria):
    placed(tiny_model(), maria)

    assert [model["slug"] for model in api.get(f"{LIST}?search=bert&task=text-classification").json()["results"]] == [
        "tiny"
    ]
    assert api.get(f"{LIST}?task=object-detection").json()["count"] == 0
    for query in ("taks=a", "task=painting", "state=done", "ordering=licence"):
        assert api.get(f"{LIST}?{query}").status_code == 400


def test_foreign_models_are_404_and_viewers_cannot_add_or_remove(api, maria):
    """S01"""
    placed(tiny_model(), maria)
    stranger = make_user("li", project=make_project("other"))
    viewer = make_user("vera", role="viewer")

    assert token_of(stranger).get(f"{LIST}tiny/").status_code == 404
    assert token_of(stranger).delete(f"{LIST}tiny/").status_code == 404
    assert token_of(viewer).get(f"{LIST}tiny/").status_code == 200
    assert token_of(viewer).delete(f"{LIST}tiny/").status_code == 403
    assert token_of(maria, "read").delete(f"{LIST}tiny/").status_code == 403
    assert token_of(viewer).post(LIST, {"path": "/a"}, content_type="application/json").status_code == 403
    assert browser_of(viewer).get("/models/new/").status_code == 403


def test_a_removed_model_is_410_and_one_in_use_409_naming_the_jobs(api, maria, monkeypatch):
    placed(tiny_model(), maria)
    with monkeypatch.context() as used:
        used.setattr(services, "users_of_model", [lambda _: [{"text": "#3 pets", "url": "/jobs/3/"}]])
        busy = api.delete(f"{LIST}tiny/")
    assert (busy.status_code, busy.json()["jobs"]) == (409, [{"text": "#3 pets", "url": "/jobs/3/"}])

    assert api.delete(f"{LIST}tiny/").status_code == 204
    gone = api.get(f"{LIST}tiny/")
    assert (gone.status_code, gone.json()["removed_by"]) == (410, "maria")


def test_pages_show_the_list_one_model_and_its_tensors(maria, monkeypatch):
    placed(tiny_model(), maria)
    point = pages.StartingPoint("pets", "#7 · image-classification", "/jobs/7/", "/jobs/new/?source=7")
    monkeypatch.setattr(pages, "starting_points", [lambda _actor: [point]])
    browser = browser_of(maria)

    listed = browser.get("/models/").content.decode()
    shown = browser.get("/models/tiny/").content.decode()

    assert "tiny" in listed and "apache-2.0" in listed and "/jobs/new/?source=7" in listed
    assert "embeddings.weight" in shown and "8 × 4" in shown and "A model for tests." in shown
    assert "/jobs/new/?model=tiny&amp;task=text-classification" in shown
    assert "No model fits" in browser.get("/models/?q=zebra").content.decode()
    assert "<html" not in browser.get("/models/?part=rows").content.decode()


def test_the_page_of_a_failed_model_says_why_and_a_script_gets_json(maria):
    failed = registered(tiny_model(config__json=None), maria)
    browser = browser_of(maria)

    assert "There is no config.json" in browser.get(f"/models/{failed.slug}/").content.decode()
    script = browser.post("/models/new/", {"file": upload(b"no", "a.zip")}, headers={"accept": "application/json"})
    assert script.json()["errors"]["file"][0].startswith("This is neither a zip nor a tar.")
    plain = browser.post("/models/new/", {"file": upload(zipped(tiny_model()), "b.zip")})
    assert (plain.status_code, plain["Location"]) == (302, "/models/b/")
    assert "Choose an archive" in browser.post("/models/new/", {"name": ""}).content.decode()


def test_removing_on_the_page_needs_the_name(maria):
    placed(tiny_model(), maria)
    browser = browser_of(maria)

    browser.post("/models/tiny/remove/", {"name": "other"})
    assert BaseModel.objects.get().removed_at is None
    browser.post("/models/tiny/remove/", {"name": "tiny"})
    assert BaseModel.objects.get().removed_by == maria
    assert browser.get("/models/tiny/").status_code == 404


def test_admins_see_models_in_the_admin_and_remove_them_there():
    model = placed(tiny_model())
    admin = browser_of(make_admin())

    assert "tiny" in admin.get("/admin/catalog/basemodel/").content.decode()
    admin.post("/admin/catalog/basemodel/", {"action": "remove", "_selected_action": [model.pk]})

    assert BaseModel.objects.get().removed_at is not None
    assert AuditEntry.objects.filter(verb="removed", via="admin").exists()


def test_markup_in_a_card_or_name_is_shown_as_text(maria):
    """S27"""
    placed(tiny_model(README__md=b"<script>alert(1)</script>"), maria, name="<b>tiny</b>")
    text = browser_of(maria).get(f"/models/{BaseModel.objects.get().slug}/").content.decode()

    assert "<script>alert(1)" not in text and "<b>tiny" not in text
    assert "&lt;script&gt;alert(1)" in text
