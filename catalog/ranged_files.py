"""Answering with a file, or with the part of it that a `Range` header asks for, without holding it in memory."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

PIECE_BYTES = 1 << 20
ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def answer(request: HttpRequest, path: Path, etag: str, content_type: str = "application/octet-stream"):
    """200 with the file, 206 with a part, or 416. HEAD gets the headers only."""
    size = path.stat().st_size
    span = _span(request.headers.get("Range", ""), size)
    if span is None:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
        return response
    first, last = span
    whole = last - first + 1 == size
    body = _pieces(path, first, last) if request.method != "HEAD" else ()
    response = StreamingHttpResponse(body, status=200 if whole else 206, content_type=content_type)
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{etag}"'
    if not whole:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _span(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte; the whole file without a header that means one range; None when it lies past the end."""
    found = ONE_RANGE.fullmatch(header.strip())
    if not found or not any(found.groups()):
        return 0, size - 1
    first, last = found.groups()
    if not first:
        span = (max(size - int(last), 0), size - 1)
    else:
        span = (int(first), min(int(last) if last else size - 1, size - 1))
    return span if 0 <= span[0] <= span[1] else None


async def _pieces(path: Path, first: int, last: int) -> AsyncIterator[bytes]:
    file = await sync_to_async(_opened, thread_sensitive=False)(path)
    with file:
        file.seek(first)
        left = last - first + 1
        while left > 0:
            piece = await sync_to_async(file.read, thread_sensitive=False)(min(PIECE_BYTES, left))
            if not piece:
                return
            left -= len(piece)
            yield piece


def _opened(path: Path) -> BinaryIO:
    return open(path, "rb")
