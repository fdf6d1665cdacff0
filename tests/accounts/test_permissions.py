"""S02, S14: who may do what is the table in `docs/permissions.csv`, word for word."""

import csv
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from accounts import services
from accounts.models import AuditEntry, Project
from accounts.permissions import RULES, may, require, visible
from config.settings import BASE_DIR
from tests.accounts.factories import make_admin, make_project, make_token, make_user, token_row

pytestmark = pytest.mark.django_db
ACTORS = ("anonymous", "viewer", "operator", "admin")
TOKENS = ("read", "run", "admin")


def table() -> list[dict[str, str]]:
    with open(BASE_DIR / "docs" / "permissions.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def thing(of: str, actor, other) -> object:
    """What a row of the table is about, seen from `actor`."""
    home = Project.default()
    owner = lambda person: getattr(person, "pk", None) or -1  # noqa: E731 - nobody owns what anonymous asks about
    things = {
        "server": None,
        "project": SimpleNamespace(project=home, owner_id=owner(other), sensitive=False),
        "sensitive": SimpleNamespace(project=home, owner_id=owner(other), sensitive=True),
        "own": SimpleNamespace(project=home, owner_id=owner(actor)),
        "others'": SimpleNamespace(project=home, owner_id=owner(other)),
    }
    return (
        things[of] if of != "other project" else SimpleNamespace(project=Project.objects.get(slug="far"), owner_id=-1)
    )


@pytest.fixture
def people(db):
    make_project("far")
    named = {role: make_user(role, role) for role in ("viewer", "operator", "admin")}
    return named | {"anonymous": AnonymousUser(), "other": make_user("somebody")}


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row['verb']} of {row['of']}")
def test_the_table_is_what_the_code_answers(row, people):
    answers = {}
    for actor in ACTORS:
        answers[actor] = may(people[actor], row["verb"], thing(row["of"], people[actor], people["other"]))
    for scope in TOKENS:
        token = token_row(make_token(people["admin"], scope))
        about = thing(row["of"], people["admin"], people["other"])
        answers[f"token {scope}"] = may(people["admin"], row["verb"], about, token=token)
    answers["device"] = may(None, row["verb"], thing(row["of"], None, people["other"]))
    wanted = {column: row[column] for column in answers}
    assert {column: "yes" if answer else "no" for column, answer in answers.items()} == {
        column: "no" if word == "setting" else word for column, word in wanted.items()
    }


def test_every_verb_is_in_the_table():
    assert {row["verb"] for row in table()} == set(RULES)


def test_the_setting_lets_viewers_download(people):
    result = thing("project", people["viewer"], people["other"])
    assert not may(people["viewer"], "download", result)
    services.change_setting("viewer_downloads", True, people["admin"])
    assert may(people["viewer"], "download", result)


def test_a_token_never_reaches_beyond_the_role_of_its_owner(people):
    wide = token_row(make_token(people["viewer"], "admin"))
    assert may(people["viewer"], "see", token=wide)
    assert not may(people["viewer"], "run", token=wide)
    assert not may(people["viewer"], "drain", token=wide)


def test_who_was_made_inactive_may_nothing(people):
    services.set_active(people["operator"], False, people["admin"])
    people["operator"].refresh_from_db()
    assert not may(people["operator"], "see")
    assert not visible(people["operator"], Project.objects.all(), "").exists()


def test_a_refusal_names_the_role_and_the_admins(people):
    with pytest.raises(PermissionDenied, match=r"Needs Operator\. Ask an admin: admin\."):
        require(people["viewer"], "run")
    with pytest.raises(PermissionDenied, match="Needs Admin"):
        require(people["operator"], "drain")
    read = token_row(make_token(people["operator"], "read"))
    with pytest.raises(PermissionDenied, match="This token may only read"):
        require(people["operator"], "run", token=read)


def test_only_rows_of_own_projects_are_visible():
    member = make_user("mia", role="")
    make_project("vision", member, role="viewer")
    make_project("speech")
    assert [project.slug for project in visible(member, Project.objects.all(), "")] == ["vision"]
    assert visible(make_admin("root"), Project.objects.all(), "").count() == 3
    assert not visible(AnonymousUser(), Project.objects.all(), "").exists()


def test_an_operator_elsewhere_is_a_stranger_here():
    member = make_user("mia", role="viewer")
    project = make_project("vision", member)
    assert may(member, "run", project)
    assert not may(member, "run", Project.default())


def test_own_audit_rows_are_one_s_own():
    operator = make_user("olga")
    assert may(operator, "audit", AuditEntry(actor=operator))
    assert not may(operator, "audit", AuditEntry(actor=None))
