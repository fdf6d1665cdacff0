"""The catalog in the admin: the same services, history that nobody edits."""

import pytest

from accounts.models import AuditEntry
from catalog import services
from catalog.models import Dataset, KeptRecipe
from catalog.services import kept_recipes
from tests.accounts.factories import make_admin
from tests.catalog.factories import built, class_folders, imported, version_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(make_admin())
    return client


def test_every_list_and_row_opens(admin):
    prepared = built(version_of(imported(class_folders())), [{"step": "scale"}])
    rows = {
        "dataset": prepared.version.dataset,
        "datasetversion": prepared.version,
        "recipe": prepared.recipe,
        "keptrecipe": kept_recipes.keep(make_admin("keeper"), "Grey", [{"step": "grayscale"}], via="api"),
        "prepareddata": prepared,
    }
    for name, row in rows.items():
        assert admin.get(f"/admin/catalog/{name}/").status_code == 200
        assert admin.get(f"/admin/catalog/{name}/{row.pk}/change/").status_code == 200


def test_a_change_goes_through_the_service_into_the_audit_log(admin):
    dataset = imported(class_folders())
    admin.post(f"/admin/catalog/dataset/{dataset.pk}/change/", {"name": "Pets", "sensitive": "on"})
    dataset.refresh_from_db()
    assert (dataset.name, dataset.sensitive) == ("Pets", True)
    assert AuditEntry.objects.filter(via="admin", verb="renamed").count() == 1


def test_removing_is_an_action_that_names_what_is_in_the_way(admin, monkeypatch):
    dataset = imported(class_folders())
    chosen = {"action": "remove", "_selected_action": [dataset.pk]}
    with monkeypatch.context() as used:
        used.setattr(services.datasets, "users_of_dataset", [lambda _: [{"text": "#12 pets", "url": "/jobs/12/"}]])
        answer = admin.post("/admin/catalog/dataset/", chosen, follow=True)
        assert b"is used by #12 pets" in answer.content
    admin.post("/admin/catalog/dataset/", chosen)
    assert Dataset.objects.get().removed_by.username == "ada"


def test_history_is_read_only(admin):
    version = version_of(imported(class_folders()))
    assert admin.post(f"/admin/catalog/datasetversion/{version.pk}/change/", {"items": 1}).status_code == 403
    assert admin.get(f"/admin/catalog/datasetversion/{version.pk}/delete/").status_code == 403
    assert admin.get("/admin/catalog/datasetversion/add/").status_code == 403
    assert admin.get(f"/admin/catalog/dataset/{version.dataset.pk}/delete/").status_code == 403


def test_a_kept_recipe_is_renamed_and_removed_through_the_service(admin):
    keeper = make_admin("keeper")
    kept = kept_recipes.keep(keeper, "Grey", [{"step": "grayscale"}], via="api")
    kept_recipes.keep(keeper, "Colours", [{"step": "rgb"}], via="api")
    page = f"/admin/catalog/keptrecipe/{kept.pk}/change/"
    told = admin.post(page, {"name": " Colours "}, follow=True).content
    assert b"There is a recipe of this name." in told
    admin.post(page, {"name": "Greyish"})
    kept.refresh_from_db()
    assert kept.name == "Greyish"
    assert AuditEntry.objects.filter(via="admin", verb="renamed").count() == 1
    admin.post(f"/admin/catalog/keptrecipe/{kept.pk}/delete/", {"post": "yes"})
    assert [one.name for one in KeptRecipe.objects.all()] == ["Colours"]
    assert AuditEntry.objects.filter(via="admin", verb="removed").count() == 1
