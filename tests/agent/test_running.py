"""A real agent, starter, supervisor and rank against the protocol."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.agent.fake_server import CREDENTIAL
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
    wait_until(lambda: holder.gone, within=20)
    assert [ack["checkpoints"] for ack in holder.acknowledged] == [[]]
    assert holder.numbers == list(range(1, 9))
    assert holder.steps() == list(range(1, 9))
    assert (holder.exits[-1]["outcome"], holder.exits[-1]["last_batch"]) == ("succeeded", 8)
    assert bytes(server.uploads[hashlib.sha256(b"weights").hexdigest()]) == b"weights"
    go = holder.batches[0]["events"][0]["data"]["go"]
    assert go["data_dir"] == str(stage.home.data_dir("d" * 64))
    assert (stage.home.data_dir("d" * 64) / "train.image.npy").read_bytes() == content
    assert holder.leases[-1]["supervisor"]["pid"] and holder.leases[-1]["rank_process"]["pid"]
    wait_until(lambda: not stage.marked(), within=5)
    _every_line_names_its_ids(stage, holder)


def _every_line_names_its_ids(stage, holder):
    """Lines of the supervisor carry all of them; those of the agent the device, and the attempt they are about."""
    assignment = holder.assignment
    lines = [json.loads(line) for line in (stage.run(holder).path / "supervisor.log").read_text().splitlines()]
    ids = (assignment["job"], assignment["id"], assignment["rank"], "stage-cpu-0")
    assert lines and {(line["job"], line["attempt"], line["rank"], line["device"]) for line in lines} == {ids}
    of_agent = [json.loads(line) for line in stage.output.read_text().splitlines()]
    assert {line["device"] for line in of_agent} == {"stage-cpu-0"}
    assert assignment["id"] in {line["attempt"] for line in of_agent}


def test_an_errand_answers_with_what_its_rank_found_out(stage, server):
    holder = server.assign(kind="errand", id=3, job=0, rank=0, errand={"kind": "preflight"}, spec={"steps": 1})
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20)
    assert (holder.exits[-1]["outcome"], holder.exits[-1]["answer"]) == ("succeeded", {"ok": True})
    assert not holder.batches


def test_an_errand_past_its_deadline_is_ended(stage, server):
    spec = {"steps": 1000, "seconds": 0.05, "deaf": True}
    holder = server.assign(kind="errand", id=3, job=0, errand={"kind": "preflight"}, spec=spec, deadline=1.0)
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20)
    assert (holder.exits[-1]["outcome"], holder.exits[-1]["reason"]) == ("failed", "start_timeout")


def test_a_large_artifact_comes_in_pieces_and_checkpoints_are_copied(stage, server):
    holder = server.assign(spec={"steps": 30, "artifact": "0123456789abcdef", "times": 300_000})
    stage.start_agent()
    wait_until(lambda: holder.steps(), within=20)
    checkpoint = stage.home.path / "jobs/5/checkpoints/step-9"
    write_checkpoint(checkpoint, b"weights")
    wait_until(lambda: holder.gone, within=20)
    content = b"0123456789abcdef" * 300_000
    assert bytes(server.uploads[hashlib.sha256(content).hexdigest()]) == content
    for path in checkpoint.iterdir():
        assert bytes(server.uploads[hashlib.sha256(path.read_bytes()).hexdigest()]) == path.read_bytes()


def test_the_checkpoint_of_a_drained_attempt_is_on_the_server_before_its_end(stage, server):
    holder = server.assign(spec={"steps": 1000})
    stage.start_agent()
    wait_until(lambda: holder.steps(), within=20)
    directory = stage.home.path / "jobs/5/checkpoints"
    write_checkpoint(directory / "step-9", b"nine")
    wait_until(lambda: hashlib.sha256(b"nine").hexdigest() in server.uploads, within=10)
    write_checkpoint(directory / "step-10", b"ten")
    holder.wanted = "drain"
    wait_until(lambda: holder.gone, within=10)
    assert hashlib.sha256(b"ten").hexdigest() in server.uploads


def test_the_next_attempt_lists_what_is_whole_and_fetches_what_it_lacks(stage, server):
    directory = stage.home.path / "jobs/5/checkpoints"
    write_checkpoint(directory / "step-4", b"four")
    write_checkpoint(directory / "step-6", b"six")
    (directory / "step-6" / "weights.bin").write_bytes(b"xis")
    (directory / "step-8.tmp-1").mkdir()
    wanted = [{"name": name, "sha256": server.add_file(content), "bytes": len(content)}
              for name, content in (("manifest.json", b'{"files": []}'), ("weights.bin", b"nine"))]  # fmt: skip
    holder = server.assign(spec={"steps": 2})
    holder.resume_step, holder.checkpoint = 9, {"files": wanted}
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20)
    assert [item["step"] for item in holder.acknowledged[0]["checkpoints"]] == [4]
    assert (directory / "step-9" / "weights.bin").read_bytes() == b"nine"
    assert sorted(path.name for path in directory.iterdir()) == [".step-9.lock", "damaged-step-6", "step-4", "step-9"]
    assert holder.batches[0]["events"][0]["data"]["go"]["resume_step"] == 9


def test_a_rank_holds_no_secret(stage, server):
    """S26"""
    holder = server.assign(spec={"steps": 200})
    secrets = {"SECRET_KEY": "s3cret", "REDIS_URL": "redis://:pass@h", "DATABASE_URL": "postgres://u:p@h/d"}
    stage.start_agent(**secrets)
    wait_until(lambda: holder.steps(), within=20)
    rank = stage.identities(holder)["rank"]["pid"]
    environment = Path(f"/proc/{rank}/environ").read_text()
    command = Path(f"/proc/{rank}/cmdline").read_text()
    for secret in (*secrets, "s3cret", "pass@h", "u:p@h", CREDENTIAL):
        assert secret not in environment + command
    assert "FLEETUNE_ATTEMPT=attempt-11 " in environment


def test_data_that_a_user_wants_here_is_fetched_ahead_and_reported(stage, server):
    entry = {"name": "train.bin", "bytes": 4, "sha256": server.add_file(b"data")}
    server.prepare = [{"hash": "e" * 64, "manifest": {"hash": "e" * 64, "files": [entry]}}]
    stage.start_agent()
    wait_until(lambda: server.heartbeats and server.heartbeats[-1]["data"] == ["e" * 64], within=20)


def write_checkpoint(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.tmp-0")
    draft.mkdir(parents=True)
    (draft / "weights.bin").write_bytes(content)
    entry = {"name": "weights.bin", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (draft / "manifest.json").write_text(json.dumps({"files": [entry]}))
    draft.rename(path)
