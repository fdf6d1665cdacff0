"""S13–S15: API tokens."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts import secret_text, services
from accounts.authentication import live_token
from accounts.models import Token
from contract.problems import Invalid
from tests.accounts.factories import bearer, make_admin, make_token, make_user, token_row

pytestmark = pytest.mark.django_db


def status(client, text: str) -> int:
    return client.get("/api/v1/projects/", headers=bearer(text)).status_code


def test_a_token_opens_the_api_and_its_text_is_kept_nowhere(client):
    text = make_token(make_user())
    assert text.startswith("flt_")
    assert len(text) > 46
    assert status(client, text) == 200
    assert text not in str(Token.objects.values())
    assert len(token_row(text).digest) == 128


def test_only_the_header_counts(client):
    text = make_token(make_user())
    assert client.get(f"/api/v1/projects/?token={text}").status_code == 401
    answer = client.get("/api/v1/projects/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer["Content-Type"] == "application/problem+json"


def test_unknown_expired_revoked_and_an_inactive_owner_s_are_refused(client):
    user = make_user()
    assert status(client, "flt_unknown") == 401
    expired, revoked = make_token(user), make_token(user)
    Token.objects.filter(pk=token_row(expired).pk).update(expires_at=timezone.now())
    services.revoke_token(token_row(revoked), user)
    assert [status(client, text) for text in (expired, revoked)] == [401, 401]
    orphan = make_token(user)
    services.set_active(user, False, make_admin())
    assert status(client, orphan) == 401


def test_a_bad_token_is_no_anonymous_visit_even_with_a_session(client):
    client.force_login(make_user())
    assert status(client, "flt_unknown") == 401


def test_last_use_is_noted_at_most_once_a_minute(client):
    text = make_token(make_user())
    status(client, text)
    first = token_row(text).last_used_at
    assert first is not None
    status(client, text)
    assert token_row(text).last_used_at == first
    Token.objects.update(last_used_at=first - timedelta(minutes=2))
    status(client, text)
    assert token_row(text).last_used_at > first - timedelta(minutes=2)


def test_tokens_are_compared_in_constant_time(monkeypatch):
    calls = []
    real = secret_text.hmac.compare_digest
    monkeypatch.setattr(secret_text.hmac, "compare_digest", lambda *pair: calls.append(pair) or real(*pair))
    assert live_token(make_token(make_user())) is not None
    assert calls


def test_an_impossible_token_is_refused_with_every_problem():
    with pytest.raises(Invalid) as refused:
        services.make_token(make_user(), " ", "everything", days=0)
    assert {problem.path for problem in refused.value.problems} == {"name", "scope", "days"}


@pytest.mark.parametrize(("role", "scope"), [("viewer", "read"), ("operator", "run"), ("admin", "admin")])
def test_the_command_prints_only_a_token_with_the_widest_scope(capsys, role, scope):
    make_user("maria", role)
    call_command("create_token", "maria")
    text = capsys.readouterr().out.strip()
    assert token_row(text).scope == scope


def test_over_rest_a_session_makes_and_revokes_and_a_token_only_looks(client):
    user = make_user()
    token = make_token(user)
    assert client.post("/api/v1/tokens/", {"name": "x"}, "application/json", headers=bearer(token)).status_code == 403
    assert client.get("/api/v1/tokens/", headers=bearer(token)).json()["count"] == 1
    client.force_login(user)
    made = client.post("/api/v1/tokens/", {"name": "notebook", "scope": "run"}, "application/json")
    assert made.status_code == 201
    row = token_row(made.json()["token"])
    assert made.json()["token"] not in client.get("/api/v1/tokens/").content.decode()
    assert client.delete(f"/api/v1/tokens/{row.pk}/").status_code == 204
    client.logout()
    assert status(client, made.json()["token"]) == 401


def test_nobody_sees_or_revokes_a_stranger_s_token(client):
    row = token_row(make_token(make_user("other")))
    client.force_login(make_admin())
    assert client.get("/api/v1/tokens/").json()["count"] == 0
    assert client.delete(f"/api/v1/tokens/{row.pk}/").status_code == 404
