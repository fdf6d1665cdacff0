"""`Idempotency-Key`: a POST that is sent again gives the first answer again, for 24 hours and per user."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts.models import IdempotencyKey
from config.rest import problem

KEPT_FOR = timedelta(hours=24)


def once(view: Callable) -> Callable:
    """Wrap a DRF `post` or `create(self, request, …)`.

    Key and work share one transaction: of two equal requests at once the second waits and gets the first one's
    answer; a refused one (an exception, or an answer from 400 on) leaves no key, so it can be corrected and resent.
    """

    @wraps(view)
    def wrapped(self: Any, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return view(self, request, *args, **kwargs)
        if len(key) > 255:
            return problem(400, _("An Idempotency-Key has at most 255 characters."))
        body_hash = _hash_of(request)
        forget_old(timezone.now(), owner=request.user)
        try:
            with transaction.atomic():
                row = IdempotencyKey.objects.create(owner=request.user, key=key, body_hash=body_hash)
                answer = view(self, request, *args, **kwargs)
                _keep(row, answer)
                return answer
        except IntegrityError:
            first = IdempotencyKey.objects.filter(owner=request.user, key=key).first()
            if first is None:
                raise
            return _again(first, body_hash)

    return wrapped


def forget_old(now: datetime, **of: Any) -> int:
    """Delete answers older than 24 h; how many."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEPT_FOR, **of).delete()[0]


def _keep(row: IdempotencyKey, answer: HttpResponseBase) -> None:
    if answer.status_code >= 400:
        row.delete()
        return
    row.status = answer.status_code
    content = JSONRenderer().render(answer.data) if isinstance(answer, Response) else getattr(answer, "content", b"")
    row.answer = json.loads(content or "null")
    row.save(update_fields=["status", "answer"])


def _again(first: IdempotencyKey, body_hash: str) -> HttpResponseBase:
    if first.body_hash != body_hash:
        return problem(422, _("This Idempotency-Key was used with another body. Use a new key for a new request."))
    return JsonResponse(first.answer, status=first.status, safe=False, headers={"Idempotent-Replay": "true"})


def _hash_of(request: Any) -> str:
    """Of method, path and body as parsed: two uploads of one file are equal though their boundaries differ."""
    content = hashlib.sha256(f"{request.method} {request.get_full_path()}".encode())
    data = request.data
    if not hasattr(data, "lists"):
        content.update(json.dumps(data, sort_keys=True).encode())
        return content.hexdigest()
    for name, values in sorted(data.lists()):
        for value in values:
            content.update(json.dumps(name).encode())
            content.update(_file_hash(value) if hasattr(value, "chunks") else json.dumps(value).encode())
    return content.hexdigest()


def _file_hash(upload: Any) -> bytes:
    content = hashlib.sha256(upload.name.encode())
    for chunk in upload.chunks():
        content.update(chunk)
    upload.seek(0)
    return content.digest()
