"""S07, S08, S09, S11: how long a session lasts, its cookie, passwords."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.sessions import IN_ALL_S, SEEN_AT, SIGNED_IN_AT, TOUCHED_EVERY_S, user_of
from accounts.upkeep import forget_expired
from contract.problems import Invalid
from tests.accounts.factories import make_admin, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "nine lives, one cat"


@pytest.fixture
def member(client):
    user = make_user(password=PASSWORD)
    client.post("/sign-in/", {"username": "maria", "password": PASSWORD})
    return user


def status(client) -> int:
    return client.get("/settings/profile/").status_code


def change_session(client, **values):
    session = client.session
    for key, value in values.items():
        session[key] = value
    session.save()


def test_it_ends_after_seven_days_however_often_it_is_used(client, member):
    change_session(client, **{SIGNED_IN_AT: int(time.time()) - IN_ALL_S + 60})
    assert status(client) == 200
    change_session(client, **{SIGNED_IN_AT: int(time.time()) - IN_ALL_S - 1})
    assert status(client) == 302
    assert not Session.objects.exists()


def test_it_ends_after_twelve_hours_without_a_visit(client, member):
    row = Session.objects.get()
    left = (row.expire_date.timestamp() - time.time()) / 3600
    assert 11.9 < left <= 12


def test_a_visit_prolongs_it_but_seldom_writes(client, member):
    before = Session.objects.get()
    assert status(client) == 200
    assert Session.objects.get().expire_date == before.expire_date
    change_session(client, **{SEEN_AT: int(time.time()) - TOUCHED_EVERY_S - 1})
    status(client)
    assert Session.objects.get().expire_date > before.expire_date


def test_a_changed_password_ends_the_other_sessions(client, member):
    other = Client()
    other.post("/sign-in/", {"username": "maria", "password": PASSWORD})
    form = {"current": PASSWORD, "password": "ten lives, two cats"}
    assert client.post("/settings/security/", form).status_code == 302
    assert status(client) == 200
    assert status(other) == 302


def test_who_is_made_inactive_is_out_at_once(client, member):
    services.set_active(member, False, make_admin())
    assert status(client) == 302


def test_a_socket_asks_anew_whom_the_session_signs_in(client, member):
    assert user_of(client.session) == member
    services.set_password(member, "ten lives, two cats")
    assert user_of(client.session) is None
    assert user_of(None) is None


def test_the_cookie_carries_the_instance_and_no_part_of_the_key(client, member):
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
    assert settings.SESSION_COOKIE_NAME.startswith("fleetune_")
    assert settings.SECRET_KEY[:8] not in settings.SESSION_COOKIE_NAME


def test_what_ran_out_is_forgotten_and_the_rest_stays(client, member):
    services.make_signin_link(member)
    tomorrow = timezone.now() + timedelta(days=1)
    assert forget_expired(timezone.now()) == {"answers": 0, "sessions": 0, "links": 0}
    assert forget_expired(tomorrow)["sessions"] == 1
    assert forget_expired(tomorrow + timedelta(days=8))["links"] == 1


@pytest.mark.parametrize(
    ("password", "rule"),
    [("short", "at least 12"), ("password123456", "common"), ("fleetune-fleetune-1", "name of this product"),
     ("x1" * 65, "at most 128"), ("marie-curie-1867!", "similar to the username")],
)  # fmt: skip
def test_a_weak_password_is_refused_with_its_rule(password, rule):
    with pytest.raises(Invalid, match=rule):
        services.set_password(make_user("marie-curie-1867"), password)


@pytest.mark.parametrize("password", ["  spaces before and after  ", "猫" * 12, "🐈" * 64, "x-" * 64])
def test_every_character_of_a_password_counts(password):
    user = make_user()
    services.set_password(user, password)
    assert user.check_password(password)
    assert not user.check_password(password.strip() + "x")
