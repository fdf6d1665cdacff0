"""A rank prunes while its newest checkpoint is on the way to the server: what is on the way comes whole."""

import hashlib
import json
from types import SimpleNamespace

import pytest

from agent import checkpoint_copies
from agent.checkpoint_copies import CheckpointCopies
from agent.server import Server
from contract.agent_calls import Assignment
from tests.agent.fake_server import CREDENTIAL
from training import checkpoint_files

FILES = {"model.safetensors": b"weights" * 1000, "optimizer.safetensors": b"moments" * 1000}


@pytest.fixture
def copies(server, tmp_path):
    home = SimpleNamespace(path=tmp_path)
    assignment = Assignment.from_json(server.assign().assignment)
    connect = lambda timeout: Server(server.url, lambda: CREDENTIAL, timeout)  # noqa: E731
    return CheckpointCopies(SimpleNamespace(home=home, assignment=assignment, connect=connect))


def saved(copies, step: int) -> None:
    place = copies.directory / f"step-{step}"
    place.mkdir(parents=True)
    listed = [
        {"name": name, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()} for name, raw in FILES.items()
    ]
    for name, raw in FILES.items() | {("manifest.json", json.dumps({"files": listed}).encode())}:
        (place / name).write_bytes(raw)


def test_what_is_pruned_while_it_is_copied_comes_whole_and_leaves_nothing(server, copies, monkeypatch):
    saved(copies, 10)
    upload = checkpoint_copies.upload

    def pruned_meanwhile(*arguments):
        for step in (20, 30):
            if not (copies.directory / f"step-{step}").exists():
                saved(copies, step)
        checkpoint_files.prune(copies.directory, keep=2)
        return upload(*arguments)

    monkeypatch.setattr(checkpoint_copies, "upload", pruned_meanwhile)
    assert copies.bring_newest()
    assert {bytes(raw) for raw in FILES.values()} < {bytes(held) for held in server.uploads.values()}
    assert len(server.uploads) == 3
    assert sorted(path.name for path in copies.directory.iterdir()) == ["step-20", "step-30"]
