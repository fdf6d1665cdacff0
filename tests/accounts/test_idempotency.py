"""S18: a POST that is sent again gives the first answer again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from accounts.idempotency import forget_old, once
from accounts.models import Draft, IdempotencyKey
from tests.accounts.factories import bearer, make_token, make_user

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.postgres"]


def post(client, text: str, body: dict, key: str = "k1"):
    headers = bearer(text) | {"Idempotency-Key": key}
    return client.post("/api/v1/drafts/", body, "application/json", headers=headers)


def test_the_same_body_gets_the_first_answer_and_nothing_is_made_twice(client):
    text = make_token(make_user())
    first, again = (post(client, text, {"kind": "job", "data": {"a": 1}}) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again["Idempotent-Replay"] == "true"
    assert Draft.objects.count() == 1


def test_another_body_under_the_same_key_is_refused(client):
    text = make_token(make_user())
    post(client, text, {"kind": "job", "data": {"a": 1}})
    other = post(client, text, {"kind": "job", "data": {"a": 2}})
    assert other.status_code == 422
    assert Draft.objects.count() == 1


def test_another_user_and_another_key_are_independent(client):
    one, two = make_token(make_user("one")), make_token(make_user("two"))
    body = {"kind": "job", "data": {}}
    assert [post(client, one, body).status_code, post(client, two, body).status_code] == [201, 201]
    assert post(client, one, body, key="k2").status_code == 201
    assert Draft.objects.count() == 3


def test_a_refused_request_leaves_no_key_so_it_can_be_corrected(client):
    text = make_token(make_user())
    assert post(client, text, {"kind": "poem"}).status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert post(client, text, {"kind": "job"}).status_code == 201


def test_a_key_is_forgotten_after_a_day(client):
    text = make_token(make_user())
    post(client, text, {"kind": "job"})
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert post(client, text, {"kind": "dataset"}).status_code == 201
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert forget_old(timezone.now()) == 1


def test_of_ten_at_once_one_is_made_and_all_get_its_answer(each_database):
    text = make_token(make_user())

    def send(_number):
        try:
            answer = post(Client(), text, {"kind": "job", "data": {"a": 1}})
            return answer.status_code, answer.json()["id"]
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(send, range(10)))
    assert answers == {(201, Draft.objects.get().pk)}


def test_two_uploads_of_one_file_are_the_same_request():
    made = []

    class Upload(APIView):
        parser_classes = [MultiPartParser]

        @once
        def post(self, request):
            made.append(request.data["file"].read())
            return Response({"bytes": len(made[-1])}, status=202)

    user = make_user()

    def send(content: bytes):
        file = SimpleUploadedFile("a.zip", content)
        request = APIRequestFactory().post("/x/", {"file": file}, HTTP_IDEMPOTENCY_KEY="up")
        force_authenticate(request, user)
        return Upload.as_view()(request)

    assert [send(b"one").status_code, send(b"one").status_code, send(b"two").status_code] == [202, 202, 422]
    assert made == [b"one"]
