"""REST of people, projects, settings, audit and drafts."""

import pytest

from accounts import audit, services
from accounts.models import Draft, User
from accounts.permissions import role_of
from tests.accounts.factories import bearer, make_admin, make_project, make_token, make_user

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def root(client):
    user = make_admin()
    client.force_login(user)
    return user


def test_everyone_sees_names_and_roles_and_nothing_more(client):
    make_admin()
    client.force_login(make_user("vera", "viewer"))
    listed = client.get("/api/v1/people/").json()["results"]
    assert listed == [
        {"username": "ada", "role": "admin", "is_active": True},
        {"username": "vera", "role": "viewer", "is_active": True},
    ]


def test_an_admin_adds_a_person_who_comes_in_by_a_link(client, root):
    made = client.post("/api/v1/people/", {"username": "maria", "role": "viewer"}, JSON)
    assert made.status_code == 201
    assert client.post(made.json()["link"]).status_code == 302
    assert role_of(User.objects.get(username="maria"), None).name == "VIEWER"


@pytest.mark.parametrize(
    ("body", "field"),
    [({"username": "ada"}, "username"), ({"username": "a b"}, "username"), ({"username": "x", "role": "king"}, "role"),
     ({"username": "x", "is_staff": True}, "is_staff"), ({"username": 4}, "username")],
)  # fmt: skip
def test_an_impossible_person_is_refused_with_the_field(client, root, body, field):
    refused = client.post("/api/v1/people/", body, JSON)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, [field])
    assert User.objects.count() == 1


def test_roles_and_activity_change_and_the_last_admin_stays(client, root):
    make_user()
    changed = client.patch("/api/v1/people/maria/", {"role": "admin", "is_active": False}, JSON).json()
    assert changed == {"username": "maria", "role": "admin", "is_active": False}
    for body in ({"role": "viewer"}, {"is_active": False}):
        refused = client.patch("/api/v1/people/ada/", body, JSON)
        assert refused.status_code == 409
        assert "make another person admin first" in refused.json()["detail"]
    assert client.patch("/api/v1/people/nobody/", {"role": "viewer"}, JSON).status_code == 404


def test_people_and_settings_are_changed_by_admins_in_a_session_only(client):
    admin = make_admin()
    token = bearer(make_token(admin, "admin"))
    assert client.post("/api/v1/people/", {"username": "x"}, JSON, headers=token).status_code == 403
    assert client.patch("/api/v1/settings/", {"url_import": True}, JSON, headers=token).status_code == 403
    client.force_login(make_user())
    assert client.post("/api/v1/people/", {"username": "x"}, JSON).status_code == 403
    assert client.get("/api/v1/settings/").status_code == 403
    assert User.objects.count() == 2


def test_server_settings_are_read_and_changed(client, root):
    assert client.get("/api/v1/settings/").json()["url_import"] is False
    assert client.patch("/api/v1/settings/", {"url_import": True}, JSON).json()["url_import"] is True
    assert client.patch("/api/v1/settings/", {"nonsense": True}, JSON).status_code == 400
    assert client.patch("/api/v1/settings/", {"url_import": "yes"}, JSON).status_code == 400


def test_projects_are_those_that_one_sees(client):
    member = make_user("mia", "viewer")
    make_project("vision", member)
    make_project("speech")
    client.force_login(member)
    rows = client.get("/api/v1/projects/").json()["results"]
    assert [(row["slug"], row["role"]) for row in rows] == [("default", "viewer"), ("vision", "operator")]


def test_operators_see_what_they_did_and_admins_everything(client):
    root, operator = make_admin(), make_user()
    audit.record(root, "a", root, via="page")
    audit.record(operator, "b", operator, via="api")
    client.force_login(operator)
    assert [row["verb"] for row in client.get("/api/v1/audit/").json()["results"]] == ["b"]
    client.force_login(root)
    assert [row["verb"] for row in client.get("/api/v1/audit/").json()["results"]] == ["b", "a"]
    assert client.get("/api/v1/audit/?verb=a").json()["count"] == 1
    client.force_login(make_user("vera", "viewer"))
    assert client.get("/api/v1/audit/").status_code == 403
    assert client.post("/api/v1/audit/", {}, JSON).status_code in (403, 405)


def test_a_draft_is_kept_changed_and_forgotten_by_its_owner_only(client):
    owner = make_user()
    client.force_login(owner)
    made = client.post("/api/v1/drafts/", {"kind": "job", "data": {"name": "x"}}, JSON)
    assert (made.status_code, made.json()["project"]) == (201, "default")
    path = f"/api/v1/drafts/{made.json()['id']}/"
    tag = made["ETag"]
    assert client.patch(path, {"data": {"name": "y"}}, JSON, headers={"If-Match": tag}).json()["data"] == {"name": "y"}
    assert client.patch(path, {"data": {}}, JSON, headers={"If-Match": tag}).status_code == 412
    client.force_login(make_admin())
    for method in (client.get, client.delete):
        assert method(path).status_code == 404
    client.force_login(owner)
    assert client.get("/api/v1/drafts/?kind=dataset").json()["count"] == 0
    assert client.delete(path).status_code == 204
    assert not Draft.objects.exists()


def test_a_project_of_others_is_as_unknown_as_one_that_is_none(client):
    make_project("secret")
    client.force_login(make_user())
    answers = [client.post("/api/v1/drafts/", {"kind": "job", "project": slug}, JSON) for slug in ("secret", "nosuch")]
    assert [answer.status_code for answer in answers] == [400, 400]
    texts = [
        answer.content.decode().replace(slug, "…") for answer, slug in zip(answers, ("secret", "nosuch"), strict=True)
    ]
    assert texts[0] == texts[1]


def test_who_is_signed_out_is_told_so_in_every_route(client):
    for route in ("people", "projects", "tokens", "drafts", "audit", "settings", "devices", "hosts"):
        assert client.get(f"/api/v1/{route}/").status_code == 401


def test_a_session_needs_the_csrf_token_to_write():
    """S05"""
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user())
    assert strict.post("/api/v1/drafts/", {"kind": "job"}, JSON).status_code == 403
    assert strict.get("/api/v1/drafts/").json()["count"] == 0


def test_the_settings_page_shows_a_new_token_once(client):
    user = make_user()
    client.force_login(user)
    made = client.post("/settings/tokens/", {"name": "notebook", "scope": "run", "days": "30"}).content.decode()
    start = made.index("flt_")
    text = made[start : start + 47]
    assert client.get("/api/v1/projects/", headers=bearer(text)).status_code == 200
    page = client.get("/settings/tokens/").content.decode()
    assert "notebook" in page
    assert text not in page
    client.post("/settings/tokens/", {"revoke": user.tokens.get().pk})
    client.logout()
    assert client.get("/api/v1/projects/", headers=bearer(text)).status_code == 401


def test_the_settings_page_offers_no_scope_above_one_s_role(client):
    client.force_login(make_user("vera", "viewer"))
    assert client.post("/settings/tokens/", {"name": "x", "scope": "run", "days": "30"}).status_code == 400


def test_a_profile_is_saved_and_its_language_speaks(client):
    user = make_user()
    client.force_login(user)
    saved = {"name": "Maria", "language": "zh-hans", "time_zone": "Asia/Shanghai", "single_keys": ""}
    assert client.post("/settings/profile/", saved).status_code == 302
    user.refresh_from_db()
    assert (user.first_name, user.language, user.time_zone, user.single_keys) == (
        "Maria", "zh-hans", "Asia/Shanghai", False,
    )  # fmt: skip
    assert client.get("/settings/profile/")["Content-Language"] == "zh-hans"
    assert client.post("/settings/profile/", {"language": "xx"}).status_code == 400
    assert client.get("/settings/nowhere/").status_code == 404


def test_landing_page_is_the_first_that_answers(monkeypatch):
    user = make_user()
    monkeypatch.setattr(services, "landing_page", [])
    assert services.page_after_sign_in(user) == "/"
