"""A real agent, starter, supervisor and rank against the protocol."""

import hashlib

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def test_an_assignment_is_acknowledged_run_reported_and_settled(stage, server):
    content = b"0123456789" * 100
    manifest = {
        "hash": "d" * 64,
        "files": [{"name": "train.image.npy", "bytes": 1000, "sha256": server.add_file(content)}],
    }
    holder = server.assign(data={"hash": "d" * 64, "manifest": manifest}, spec={"steps": 8, "artifact": "weights"})
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20, about=lambda: stage.said())
    assert [ack["checkpoints"] for ack in holder.acknowledged] == [[]]
    assert holder.numbers == list(range(1, 9))
    assert holder.steps() == list(range(1, 9))
    assert (holder.exits[-1]["outcome"], holder.exits[-1]["last_batch"]) == ("succeeded", 8)
    assert bytes(server.uploads[hashlib.sha256(b"weights").hexdigest()]) == b"weights"
    go = holder.batches[0]["events"][0]["data"]["go"]
    assert go["data_dir"] == str(stage.home.data_dir("d" * 64))
    assert (stage.home.data_dir("d" * 64) / "train.image.npy").read_bytes() == content
    assert holder.leases[0]["supervisor"]["pid"] and holder.leases[-1]["rank_process"]["pid"]
    wait_until(lambda: not stage.marked(), within=5)
