"""Answers that are made while they are sent: a generator becomes a response without being gathered first."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse


def stream(request: Any, pieces: Iterator[bytes], content_type: str, name: str = "") -> StreamingHttpResponse:
    """Send `pieces` one by one; with a `name`, as a file to save. Django would gather a plain iterator under ASGI.

    To HEAD the headers are the answer, and nothing is made for it.
    """
    if request.method == "HEAD":
        pieces = iter(())
    under_asgi = isinstance(getattr(request, "_request", request), ASGIRequest)
    response = StreamingHttpResponse(_asynchronous(pieces) if under_asgi else pieces, content_type=content_type)
    if name:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _asynchronous(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await sync_to_async(lambda: next(pieces, None))()) is not None:
        yield piece
