"""Recipes under a name: kept, offered for the data they fit, forgotten; what was made with them does not notice."""

import pytest

from accounts.models import AuditEntry
from catalog.models import KeptRecipe, PreparedData
from recipes.steps import STEPS
from tests.accounts.factories import bearer, make_admin, make_token, make_user
from tests.catalog.factories import built, class_folders, imported, version_of

pytestmark = pytest.mark.django_db
GREY = [{"step": "grayscale"}, {"step": "resize", "size": [8, 8]}, {"step": "scale"}]
HERE = "/api/v1/recipes/"


@pytest.fixture
def pictures(maria):
    return imported(class_folders(), maria)


def keep(api, name="Small and grey", steps=GREY, **more):
    return api.post(HERE, {"name": name, "steps": steps, "dataset": "pictures"} | more, content_type="application/json")


def test_a_recipe_is_kept_under_a_name_listed_and_offered_for_data_that_it_fits(api, pictures):
    made = keep(api)
    assert made.status_code == 201, made.json()
    kept = made.json()
    assert (kept["name"], [step["step"] for step in kept["steps"]]) == (
        "Small and grey",
        ["decode", "grayscale", "resize", "scale"],
    )
    assert api.get(f"{HERE}kept/").json()["results"] == [kept]
    assert api.get(f"{HERE}kept/{kept['id']}/").json() == kept
    words = {"name": "For tables", "steps": [{"step": "impute"}]}
    assert api.post(HERE, words, content_type="application/json").status_code == 201
    offered = api.get(f"{HERE}for/pictures/").json()
    assert offered["kept"] == [kept | {"may_change": True}] and offered["may_keep"]
    assert (offered["kind"], offered["default"][-1]["step"]) == ("image", "scale")
    steps = {step["step"]: step for step in offered["steps"]}
    assert "impute" not in steps and steps["resize"]["choices"] == {"mode": ["stretch", "pad", "crop"]}
    assert steps["resize"]["expects"]["size"] == "Expected [height, width], each from 1 to 1024."
    assert steps["resize"]["parameter_kinds"] == {"size": "numbers", "mode": "choice"}
    assert AuditEntry.objects.filter(verb="kept").count() == 2


def test_who_may_only_look_is_not_offered_to_keep_or_to_forget(api, client, pictures):
    keep(api)
    vera = bearer(make_token(make_user("vera", role="viewer"), "run"))
    offered = client.get(f"{HERE}for/pictures/", headers=vera).json()
    assert ([one["may_change"] for one in offered["kept"]], offered["may_keep"]) == ([False], False)


def test_where_a_new_step_goes_is_asked_and_nothing_is_kept(api, pictures):
    def ask(steps, add):
        return api.post(f"{HERE}for/pictures/", {"steps": steps, "add": add}, content_type="application/json")

    assert ask(GREY, "blur").json() == {"place": 2}
    assert ask([{"step": "resize"}, {"step": "scale"}], "flip").json() == {"place": 2}
    assert set(ask([{"step": "gray"}], "blurr").json()["errors"]) == {"steps.0.step", "add"}
    assert set(ask("blur", "blur").json()["errors"]) == {"steps"}
    assert not KeptRecipe.objects.exists()


def test_a_name_that_is_taken_or_empty_and_steps_that_do_not_fit_are_refused_with_their_path(api, pictures):
    keep(api)
    assert set(keep(api, steps=[{"step": "scale"}]).json()["errors"]) == {"name"}
    assert set(keep(api, name=" ").json()["errors"]) == {"name"}
    assert set(keep(api, name="Other", steps=[{"step": "resize", "size": [8]}]).json()["errors"]) == {"steps.0.size"}
    assert KeptRecipe.objects.count() == 1


def test_a_recipe_gets_another_name_of_its_owner_that_nobody_else_uses(api, client, pictures):
    first, second = keep(api).json(), keep(api, name="Other").json()

    def rename(name, number=first["id"], by=api, **more):
        return by.patch(f"{HERE}kept/{number}/", {"name": name}, content_type="application/json", **more)

    assert rename("Tiny").json() == first | {"name": "Tiny"}
    assert api.get(f"{HERE}kept/{first['id']}/").json() == first | {"name": "Tiny"}
    assert rename("Tiny").status_code == 200  # its own
    assert set(rename("Tiny", second["id"]).json()["errors"]) == {"name"}
    assert set(rename("").json()["errors"]) == {"name"}
    assert rename("Mine", by=client, headers=bearer(make_token(make_user("otto"), "run"))).status_code == 403
    assert [entry.before for entry in AuditEntry.objects.filter(verb="renamed")] == [{"name": "Small and grey"}]


def test_a_name_is_forgotten_by_its_owner_or_an_admin_and_data_made_with_the_steps_stays(api, client, pictures):
    number = keep(api).json()["id"]
    made = built(version_of(pictures), GREY)
    other = bearer(make_token(make_user("otto"), "run"))
    assert client.delete(f"{HERE}kept/{number}/", headers=other).status_code == 403
    assert api.delete(f"{HERE}kept/{number}/").status_code == 204
    assert not KeptRecipe.objects.exists()
    assert PreparedData.objects.get(pk=made.pk).recipe.steps[1] == {"step": "grayscale"}
    keep(api)
    admin = bearer(make_token(make_admin("root"), "admin"))
    again = KeptRecipe.objects.get().pk
    assert client.delete(f"{HERE}kept/{again}/", headers=admin).status_code == 204


def test_who_may_only_look_keeps_nothing(client, pictures):
    viewer = bearer(make_token(make_user("vera", "viewer"), "run"))
    body = {"name": "Mine", "steps": GREY}
    assert client.post(HERE, body, content_type="application/json", headers=viewer).status_code == 403
    assert client.get(f"{HERE}for/pictures/", headers=viewer).status_code == 200


@pytest.mark.parametrize("name", STEPS)
def test_every_step_says_what_it_is_for_and_how_each_parameter_is_written(name):
    step = STEPS[name]
    assert step.about.endswith(".")
    assert step.parameter_kinds().keys() == step.parameters().keys()
    for parameter, words in step.choices.items():
        assert all(not step.check_value(parameter, word) for word in words)
        assert step.check_value(parameter, "none of them")
