"""S08–S12, S16: the sign-in page, one-time links, guessing, where one is led."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.log_filter import HideSecrets
from accounts.models import AuditEntry, SignInLink
from tests.accounts.factories import make_admin, make_user

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.postgres"]
PASSWORD = "nine lives, one cat"


def sign_in(client, username="maria", password=PASSWORD, **more):
    return client.post("/sign-in/", {"username": username, "password": password, **more})


def signed_in(client) -> bool:
    return client.get("/settings/profile/").status_code == 200


def test_the_right_password_opens_the_page_that_was_asked_for(client):
    make_user(password=PASSWORD)
    asked = client.get("/settings/tokens/")
    assert (asked.status_code, asked["Location"]) == (302, "/sign-in/?next=/settings/tokens/")
    answer = sign_in(client, next="/settings/tokens/")
    assert (answer.status_code, answer["Location"]) == (302, "/settings/tokens/")
    assert signed_in(client)


def test_an_unknown_name_and_a_wrong_password_look_the_same(client):
    make_user(password=PASSWORD)
    wrong, unknown = sign_in(client, password="wrong"), sign_in(client, username="nobody", password="wrong")
    assert wrong.status_code == unknown.status_code == 400
    text = [re.sub(r"value=\"[^\"]*\"", "", answer.content.decode()) for answer in (wrong, unknown)]
    assert text[0] == text[1]


def test_after_five_failures_even_the_right_password_waits(client):
    """S10"""
    make_user(password=PASSWORD)
    for _ in range(4):
        assert sign_in(client, password="wrong").status_code == 400
    assert sign_in(client, password="wrong").status_code == 429
    locked = sign_in(client)
    assert (locked.status_code, locked["Retry-After"]) == (429, "900")
    elsewhere = Client(REMOTE_ADDR="10.1.1.9")
    assert sign_in(elsewhere).status_code == 302


def test_the_wait_ends_after_fifteen_minutes(client):
    make_user(password=PASSWORD)
    for _ in range(6):
        sign_in(client, password="wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert sign_in(client).status_code == 302


def test_an_address_that_sprays_many_names_waits_too(client):
    """S45"""
    make_user(password=PASSWORD)
    for number in range(50):
        sign_in(client, username=f"guess-{number}", password="wrong")
    assert sign_in(client).status_code == 429


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "/%2f%2fevil.example", "%2f%2fevil.example", "javascript:alert(1)",
     "https://testserver/", "http://evil.example/", "///evil.example", "settings"],
)  # fmt: skip
def test_nobody_is_led_to_another_site(client, target):
    make_user(password=PASSWORD)
    assert f'value="{target}"' not in client.get("/sign-in/", {"next": target}).content.decode()
    assert sign_in(client, next=target)["Location"] == "/"


def test_a_new_session_key_at_each_sign_in(client):
    make_user(password=PASSWORD)
    planted = client.session
    planted.save()
    sign_in(client)
    first = client.session.session_key
    assert first not in (None, planted.session_key)
    client.post("/sign-out/")
    sign_in(client)
    assert client.session.session_key not in (None, first)


def test_signing_out_ends_the_session_and_clears_the_cache(client):
    make_user(password=PASSWORD)
    sign_in(client)
    old = client.cookies
    assert client.get("/sign-out/").status_code == 405
    answer = client.post("/sign-out/")
    assert answer["Clear-Site-Data"] == '"cache"'
    thief = Client()
    thief.cookies = old
    assert not signed_in(thief)


def test_looking_at_a_link_changes_nothing_and_pressing_signs_in_once(client):
    path = services.make_signin_link(make_admin())
    for _ in range(2):
        page = client.get(path)
        assert page.status_code == 200
        assert page.content.decode().count('type="submit"') == 1
    assert SignInLink.objects.get().used_at is None
    assert client.post(path).status_code == 302
    assert signed_in(client)
    for again in (Client().post(path), Client().get(path)):
        assert again.status_code == 410
    assert AuditEntry.objects.filter(verb="sign-in link used").count() == 1


def test_of_twenty_presses_at_once_exactly_one_signs_in(each_database):
    path = services.make_signin_link(make_admin())

    def press(_number):
        try:
            return Client().post(path).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(press, range(20)))
    assert answers == [302] + [410] * 19


def test_a_link_runs_out_and_an_unknown_one_is_gone(client):
    path = services.make_signin_link(make_user())
    SignInLink.objects.update(expires_at=timezone.now())
    assert client.get(path).status_code == client.post(path).status_code == 410
    assert client.get("/sign-in/link/guess/").status_code == 410


def test_the_first_sign_in_asks_for_password_and_language_and_both_may_be_left_empty(client):
    user = make_admin()
    page = client.get(services.make_signin_link(user)).content.decode()
    assert 'name="password"' in page
    assert 'name="language"' in page
    path = services.make_signin_link(user)
    assert client.post(path, {"password": "short", "language": ""}).status_code == 400
    assert client.post(path, {"password": PASSWORD, "language": "zh-hans"}).status_code == 302
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert user.language == "zh-hans"
    assert client.cookies["django_language"].value == "zh-hans"


def test_a_link_does_not_change_a_password_that_is_set(client):
    user = make_user(password=PASSWORD)
    path = services.make_signin_link(user)
    assert 'name="password"' not in client.get(path).content.decode()
    client.post(path, {"password": "another long password"})
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_after_a_link_comes_what_was_asked_for_else_the_landing_page(client, monkeypatch):
    user = make_user()
    assert client.post(services.make_signin_link(user) + "?next=/settings/")["Location"] == "/settings/"
    assert client.post(services.make_signin_link(user))["Location"] == "/"
    monkeypatch.setattr(services, "landing_page", [lambda _user: None, lambda _user: "/jobs/1/"])
    assert client.post(services.make_signin_link(user))["Location"] == "/jobs/1/"


def test_the_command_prints_only_a_link_that_works(client, capsys):
    make_user()
    call_command("signin_link", "maria")
    link = capsys.readouterr().out.strip()
    path = re.fullmatch(r"http://127\.0\.0\.1:\d+(/sign-in/link/[\w-]+/)", link)[1]
    assert client.post(path).status_code == 302


def test_links_and_tokens_never_reach_a_log():
    secrets = ("/sign-in/link/abcDEF123/", "flt_0123456789")
    entry = logging.LogRecord("django.request", logging.WARNING, "", 0, "Gone: %s for %s", secrets, None)
    HideSecrets().filter(entry)
    assert entry.getMessage() == "Gone: /sign-in/link/…/ for flt_…"


def test_a_form_without_its_token_is_refused_with_a_page():
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/sign-in/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "This form is too old. Reload the page and try again." in answer.content.decode()
