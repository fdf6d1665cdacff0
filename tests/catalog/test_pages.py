"""Pages of datasets: list, adding, one version, who may see what."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.models import Dataset
from tests.accounts.factories import make_admin, make_project, make_user
from tests.jobs.factories import make_job, make_prepared, make_version

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_list_filters_and_says_when_nothing_fits():
    maria = make_user()
    make_version(maria)
    Dataset.objects.create(
        project=maria.memberships.get().project, owner=maria, slug="bad", name="Bad", task="image-classification",
        state="failed", error="No picture of %(name)s could be read.", error_params={"name": "cat"},
    )  # fmt: skip
    client = client_of(maria)
    text = client.get("/datasets/").content.decode()
    assert "No picture of cat could be read." in text
    assert "shapes" in text
    assert ">Bad<" not in client.get("/datasets/?q=state:ready").content.decode()
    assert "Clear filters" in client.get("/datasets/?q=zebra").content.decode()
    assert "<html" not in client.get("/datasets/?part=rows").content.decode()


def test_what_is_no_zip_is_refused_with_a_sentence_for_pages_and_scripts():
    client = client_of(make_user())
    plain = client.post("/datasets/new/", {"file": SimpleUploadedFile("a.zip", b"no zip")})
    assert plain.status_code == 400
    assert "is not a zip archive" in plain.content.decode()
    script = client.post("/datasets/new/", {"file": SimpleUploadedFile("a.zip", b"no")}, HTTP_ACCEPT="application/json")
    assert script.json()["errors"]["file"][0].startswith("It is called .zip")
    nothing = client.post("/datasets/new/", {}).content.decode()
    assert "Choose a file, or one of the sets below." in nothing
    assert Dataset.objects.count() == 0


def test_a_set_that_ships_is_added_by_a_button():
    client = client_of(make_user())
    answer = client.post("/datasets/new/", {"builtin": "digits-8x8"})
    assert answer.status_code == 302
    assert Dataset.objects.get().source == {"builtin": "digits-8x8"}


def test_a_viewer_sees_and_does_not_add():
    make_version(make_user())
    client = client_of(make_user("vera", "viewer"))
    assert client.get("/datasets/").status_code == 200
    assert client.get("/datasets/shapes/v/1/").status_code == 200
    assert client.post("/datasets/new/", {"builtin": "digits-8x8"}).status_code == 403
    assert client.post("/datasets/shapes/do/prepare/").status_code == 403
    assert client.post("/datasets/shapes/do/remove/", {"name": "shapes"}).status_code == 403


def test_samples_of_sensitive_data_are_not_for_viewers():
    make_version(make_user(), sensitive=True)
    text = client_of(make_user("vera", "viewer")).get("/datasets/shapes/v/1/samples/").content.decode()
    assert "shown to Operators only" in text


def test_another_projects_data_is_not_there():
    stranger = make_user("stranger", role="")
    make_project("elsewhere", stranger)
    make_version(make_user())
    assert client_of(stranger).get("/datasets/shapes/").status_code == 404


def test_a_dataset_that_a_waiting_job_needs_stays_and_names_the_job():
    maria = make_user()
    job = make_job(owner=maria)
    client = client_of(maria)
    text = client.post("/datasets/shapes/do/remove/", {"name": "shapes"}, follow=True).content.decode()
    assert f"#{job.pk}" in text
    assert Dataset.objects.get().removed_at is None


def test_removing_asks_for_the_name():
    maria = make_user()
    make_version(maria)
    client = client_of(maria)
    assert (
        "Nothing was removed"
        in client.post("/datasets/shapes/do/remove/", {"name": "shape"}, follow=True).content.decode()
    )
    client.post("/datasets/shapes/do/remove/", {"name": "shapes"})
    assert Dataset.objects.get().removed_at is not None


def test_a_version_shows_the_recipe_in_words_and_its_hash():
    admin = make_admin()
    make_prepared(make_version(admin))
    text = client_of(admin).get("/datasets/shapes/v/1/").content.decode()
    assert "Scale pixels" in text
    assert "Same data on 0 of 0 devices" in text or "Not prepared" in text or "Ready on 0 devices" in text
