"""A stored file as an answer, whole or from a byte on, read in pieces so that no size fills the server's memory."""

import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import cast

from asgiref.sync import sync_to_async
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class _Pieces(FileResponse):
    """Under ASGI Django would read a plain file response into memory as a whole."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(cast("Iterable[bytes]", self.streaming_content))
        while piece := await sync_to_async(lambda: next(pieces, b""))():
            yield piece


class _Part:
    """So many bytes of a file from where it stands."""

    def __init__(self, file, count: int):
        self.file, self.left = file, count

    def read(self, size: int = 1 << 16) -> bytes:
        piece = self.file.read(min(size, self.left))
        self.left -= len(piece)
        return piece

    def close(self) -> None:
        self.file.close()


def answer(path: Path, range_header: str, content_type: str = "application/octet-stream") -> HttpResponseBase:
    """200 with the whole file, 206 with the range asked for, 416 when it begins behind the end."""
    total = path.stat().st_size
    first, last = _range(range_header, total)
    if first > 0 and first >= total:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{total}"})
    file = open(path, "rb")  # noqa: SIM115 - the response closes it
    file.seek(first)
    response = _Pieces(_Part(file, last + 1 - first), status=206 if first or last + 1 < total else 200)
    response.headers["Content-Type"] = content_type
    response.headers["Content-Length"] = str(last + 1 - first)
    response.headers["Accept-Ranges"] = "bytes"
    if response.status_code == 206:
        response.headers["Content-Range"] = f"bytes {first}-{last}/{total}"
    return response


def _range(header: str, total: int) -> tuple[int, int]:
    """First and last byte; a header of another form asks for all."""
    found = RANGE.fullmatch(header.strip())
    if found is None:
        return 0, total - 1
    last = int(found[2]) if found[2] else total - 1
    return int(found[1]), min(last, total - 1)
