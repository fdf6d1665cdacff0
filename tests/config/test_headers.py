"""What every answer carries, whatever it is an answer to; and hosts that are not ours."""

import pytest
from django.test import Client

from tests.accounts.factories import make_admin, make_user

pytestmark = pytest.mark.django_db
ADDRESSES = [
    "/",
    "/datasets/",
    "/sign-in/",
    "/healthz",
    "/api/v1/datasets/",
    "/api/v1/nothing/",
    "/nothing/",
    "/admin/",
]


def of(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_forbids_frames_foreign_parts_and_caches(address):
    """S31, S32, S66"""
    for client in (Client(), of(make_admin())):
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "no-store" in answer["Cache-Control"]
        assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "user@evil", "a/../b"])
def test_a_host_that_is_not_ours_is_refused(host, settings):
    """S65: a name that a foreign server turns to this address gets nothing, not even the sign-in page."""
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    client = of(make_user())
    assert client.get("/datasets/", headers={"Host": host}).status_code == 400
    assert client.get("/datasets/", headers={"Host": "localhost:8000"}).status_code == 200


def test_what_a_stranger_says_of_the_host_is_not_believed(settings):
    """S65"""
    settings.ALLOWED_HOSTS = ["localhost"]
    forged = {
        "Host": "localhost",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=e",
    }
    answer = Client().get("/datasets/", headers=forged)
    assert answer.status_code == 302
    assert "evil" not in answer["Location"] and "https" not in answer["Location"]


@pytest.mark.parametrize("address", ["/.git/config", "/.env", "/static/", "/db.sqlite3", "/var/", "/server-status"])
def test_probes_find_nothing(address):
    """S69"""
    assert Client().get(address).status_code == 404
