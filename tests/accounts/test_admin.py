"""S17: the admin lets in admins only, writes through the services, keeps history, holds the strict CSP."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts import audit
from accounts.models import AuditEntry, Membership, Setting, User
from accounts.permissions import OPERATOR, role_of
from accounts.server_settings import value_of
from tests.accounts.factories import make_admin, make_token, make_user, token_row
from tests.accounts.pages import inline_parts

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"


@pytest.fixture
def root(client):
    user = make_admin()
    client.force_login(user)
    return user


def test_who_is_no_admin_gets_in_by_no_door(client):
    asked = client.get("/admin/")
    assert (asked.status_code, asked["Location"]) == (302, "/admin/login/?next=/admin/")
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/sign-in/?next=/admin/"
    assert client.post("/admin/login/", {"username": "a", "password": "b"}).status_code == 302
    make_admin()
    client.force_login(make_user())
    told = client.get("/admin/login/?next=/admin/")
    assert told.status_code == 403
    assert "Needs Admin. Ask an admin: ada." in told.content.decode()


def test_a_staff_flag_alone_opens_nothing(client):
    user = make_user()
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user)
    assert client.get(USERS).status_code in (302, 403)


def pages() -> list[str]:
    """List and add page of everything in the admin."""
    found = ["/admin/", "/admin/accounts/user/1/change/"]
    for model in admin.site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found += [reverse(f"{base}_changelist"), reverse(f"{base}_add")]
    return found


def test_no_page_of_the_admin_has_anything_inline(client, root):
    seen = 0
    for page in pages():
        answer = client.get(page, follow=True)
        assert answer.status_code in (200, 403), page
        assert inline_parts(answer.content.decode()) == [], page
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        seen += answer.status_code == 200
    assert seen > 15


def test_a_person_is_added_with_a_role_and_comes_in_by_a_link(client, root):
    form = {"username": "maria", "first_name": "Maria", "email": "", "role": "operator", "is_active": "on"}
    assert client.post(f"{USERS}add/", form).status_code == 302
    person = User.objects.get(username="maria")
    assert (role_of(person, None), person.has_usable_password(), person.first_name) == (OPERATOR, False, "Maria")
    answer = client.post(USERS, {"action": "make_signin_link", "_selected_action": [person.pk]})
    text = answer.content.decode()
    path = text[text.index("/sign-in/link/") :].split("<")[0]
    assert Client().post(path).status_code == 302
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"person added", "sign-in link made", "sign-in link used"} <= verbs


def test_a_changed_role_takes_effect_and_is_audited(client, root):
    person = make_user()
    form = {"username": "maria", "first_name": "", "email": "", "role": "viewer", "is_active": "on"}
    client.post(f"{USERS}{person.pk}/change/", form)
    assert Membership.objects.get(user=person).role == "viewer"
    entry = AuditEntry.objects.get(verb="role changed")
    assert (entry.via, entry.before, entry.after) == ("admin", {"role": "operator"}, {"role": "viewer"})


def test_the_last_admin_can_be_neither_demoted_nor_shut_out(client, root):
    for change in ({"role": "viewer", "is_active": "on"}, {"role": "admin"}):
        answer = client.post(f"{USERS}{root.pk}/change/", {"username": "ada", **change}, follow=True)
        assert "The last admin stays an admin" in answer.content.decode()
    root.refresh_from_db()
    assert root.is_admin


def test_tokens_show_no_secret_and_can_be_revoked(client, root):
    text = make_token(root)
    row = token_row(text)
    for page in ("/admin/accounts/token/", f"/admin/accounts/token/{row.pk}/change/"):
        shown = client.get(page).content.decode()
        assert "test" in shown
        assert text not in shown
        assert row.digest not in shown
    client.post("/admin/accounts/token/", {"action": "revoke", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.revoked_at is not None


def test_history_can_only_be_looked_at(client, root):
    entry = audit.record(root, "looked", root, via="page")
    base = "/admin/accounts/auditentry/"
    assert client.get(base).status_code == client.get(f"{base}{entry.pk}/change/").status_code == 200
    for path in (f"{base}add/", f"{base}{entry.pk}/delete/"):
        assert client.post(path, {"post": "yes"}).status_code == 403
    assert client.post(f"{base}{entry.pk}/change/", {"verb": "x"}).status_code == 403
    assert audit.verify() is None


def test_a_server_setting_is_changed_and_audited(client, root):
    assert client.post("/admin/accounts/setting/add/", {"key": "url_import", "value": "on"}).status_code == 302
    assert value_of("url_import") is True
    client.post(f"/admin/accounts/setting/{Setting.objects.get().pk}/change/", {"key": "url_import"})
    assert value_of("url_import") is False
    assert AuditEntry.objects.filter(verb="setting changed", via="admin").count() == 2


def test_a_project_is_added_with_its_members(client, root):
    form = {"name": "Vision", "slug": "vision", "memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    assert client.post("/admin/accounts/project/add/", form).status_code == 302
    assert AuditEntry.objects.get(verb="added").object_name == "Vision"
