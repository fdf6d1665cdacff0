"""Brings files of a run to the server: by hash, in pieces, going on from what it holds."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from agent.downloads import sha256_of
from agent.server import BODY_LIMIT, Refused, Server
from contract.agent_calls import Assignment

OFFSET, LENGTH = "Upload-Offset", "Upload-Length"


def upload(
    server: Server,
    assignment: Assignment,
    path: Path,
    route: str = "/agent/v1/artifacts",
    on_bytes: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Bring one file; its SHA-256. Raises NoAnswer (call again: it goes on), or Refused (422 hash, 413 no space)."""
    digest, total = sha256_of(path), path.stat().st_size
    names = {"kind": assignment.kind, "id": assignment.id, "fence": assignment.fence, "name": path.name}
    address = f"{route}/{digest}?{urlencode(names)}"
    offset, whole = _stored(server, address), False
    with open(path, "rb") as file:
        while not whole:  # what is all there already is said once more, so that the server notes it for this attempt
            file.seek(offset)
            piece = file.read(BODY_LIMIT)
            whole, offset = _put(server, address, piece, offset, total)
            on_bytes(offset, total)
    return digest


def _stored(server: Server, address: str) -> int:
    """How many bytes the server holds."""
    try:
        answer = server.call("HEAD", address)
    except Refused as refusal:
        if refusal.status == 404:
            return 0
        raise
    return int(answer.headers.get(OFFSET, 0))


def _put(server: Server, address: str, piece: bytes, offset: int, total: int) -> tuple[bool, int]:
    """Send one piece; whether the file is whole now, and where to go on."""
    headers = {OFFSET: str(offset), LENGTH: str(total), "Content-Type": "application/octet-stream"}
    try:
        answer = server.call("PUT", address, piece, headers)
    except Refused as refusal:
        if refusal.code == "wrong-offset":
            return False, int(refusal.headers.get(OFFSET, 0))
        raise
    if answer.status == 201:
        return True, total
    return False, int(json.loads(answer.body)["offset"])
