"""A stored file as a download that no browser opens, runs or sniffs (RFC 6266 name, `nosniff`, CSP sandbox)."""

import re
import unicodedata
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from config import ranged_file

TYPES = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".md": "text/markdown; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".zip": "application/zip",
}
"""Anything else is `application/octet-stream`."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
MAX_NAME = 120


def answer(request: Any, path: Path, sha256: str, name: str) -> HttpResponseBase:
    """The file, a part of it, or 304 when the caller has it. Its `ETag` is its SHA-256."""
    tag = f'"{sha256}"'
    if tag in [part.strip() for part in request.headers.get("If-None-Match", "").split(",")]:
        response: HttpResponseBase = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    else:
        name = safe_name(name)
        kind = TYPES.get(Path(name).suffix.lower(), "application/octet-stream")
        response = ranged_file.answer(request, path, sha256, kind)
        response.headers["Content-Disposition"] = disposition(name)
    response.headers["ETag"] = tag
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def disposition(name: str) -> str:
    """`attachment` with the name twice: plain for old clients, in UTF-8 for the others (RFC 6266, RFC 5987)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace("\\", "_").replace('"', "_")
    return f"attachment; filename=\"{plain or 'file'}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_name(name: str) -> str:
    """A file name that is one on every system: no path, no control or direction marks, no reserved word."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(char for char in name if unicodedata.category(char)[0] != "C" and char not in '<>:"|?*')
    name = name.strip(" .")[-MAX_NAME:] or "file"
    return f"_{name}" if RESERVED.match(name) else name
