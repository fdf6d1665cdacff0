"""Answering with a file, or with the part of it that a `Range` header asks for, in pieces that fill no memory."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

PIECE_BYTES = 1 << 20
ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def answer(request: Any, path: Path, sha256: str, content_type: str = "application/octet-stream") -> HttpResponseBase:
    """200 with the file, 206 with a part, or 416; its `ETag` is its SHA-256. HEAD gets the headers only."""
    size = path.stat().st_size
    span = _span(request.headers.get("Range", ""), size)
    if span is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first, last = span
    is_whole = last - first + 1 == size
    pieces: Iterable[bytes] = () if request.method == "HEAD" else _pieces(path, first, last)
    response = _InPieces(pieces, status=200 if is_whole else 206, content_type=content_type)
    response.headers["Content-Length"] = str(last - first + 1)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = f'"{sha256}"'
    if not is_whole:
        response.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


class _InPieces(StreamingHttpResponse):
    """Under ASGI Django would gather all pieces first; here each is read, off the event loop, when it is sent."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(cast("Iterable[bytes]", self.streaming_content))
        read = sync_to_async(lambda: next(pieces, b""), thread_sensitive=False)
        while piece := await read():
            yield piece


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


def _pieces(path: Path, first: int, last: int) -> Iterator[bytes]:
    with open(path, "rb") as file:
        file.seek(first)
        left = last - first + 1
        while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece
