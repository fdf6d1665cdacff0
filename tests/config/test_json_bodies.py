"""Bodies that are no JSON of anybody's good will: refused in a sentence on every route, before anything is done."""

import json

import pytest

from contract.nesting import DEEPEST, is_too_deep
from tests.accounts.factories import bearer, make_token, make_user

pytestmark = pytest.mark.django_db
ROUTES = [f"/api/v1/{name}/" for name in ("datasets", "uploads", "recipes", "models", "jobs", "drafts")]
DEEP = [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 33 + b"]" * 33, b'{"a":' * 500 + b"1" + b"}" * 500]


def refusal(client, route: str, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    headers = bearer(make_token(make_user()))
    answer = client.generic("POST", route, body, kind, headers=headers)
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", DEEP, ids=["lists", "objects", "33 levels", "500 levels"])
def test_nesting_has_an_end(client, route, body):
    """S41"""
    assert refusal(client, route, body) == (400, "The body is nested deeper than 32 levels.")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"name": "a", "name": "b"}', "the key 'name' is there twice"),
        (b'{"a": {"b": 1, "b": 2}}', "the key 'b' is there twice"),
        (b'{"name": "a"} and more', "Extra data"),
        (b'{"name": ', "Expecting value"),
        (b'{"name": "\xff"}', "can't decode"),
        (b'{"bytes": NaN}', "NaN is no finite number"),
        (b'{"bytes": -Infinity}', "-Infinity is no finite number"),
        (b'{"bytes": 1e400}', "1e400 is no finite number"),
        (b'{"bytes": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(client, body, why):
    """S41, S42"""
    status, detail = refusal(client, "/api/v1/datasets/", body)
    assert (status, why in detail) == (400, True), detail


@pytest.mark.parametrize("charset", ["bz2_codec", "base64_codec", "rot13", "nonsense"])
def test_a_charset_that_is_none_unpacks_nothing(client, charset):
    """S40"""
    status, _detail = refusal(client, "/api/v1/datasets/", b"{}", f"application/json; charset={charset}")
    assert status == 400


def test_a_body_beyond_the_limit_is_413(client):
    """S40"""
    status, detail = refusal(client, "/api/v1/jobs/", json.dumps({"name": "x" * 2_700_000}).encode())
    assert (status, "Send large files as uploads" in detail) == (413, True)


def test_what_is_no_json_and_methods_that_are_none_are_told_apart(client):
    """S46"""
    assert refusal(client, "/api/v1/datasets/", b"x", "text/plain")[0] == 415
    headers = bearer(make_token(make_user("ann")))
    assert client.generic("TRACE", "/api/v1/datasets/", headers=headers).status_code == 405
    assert client.get("/api/v1/datasets/", headers=headers | {"Accept": "application/x-none"}).status_code == 406


def test_the_deepest_that_is_read():
    assert not is_too_deep(json.loads("[" * DEEPEST + "]" * DEEPEST))
    assert is_too_deep(json.loads("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)))
    assert is_too_deep(json.loads("[" * 900 + "]" * 900))
    assert not is_too_deep("[[[[")
