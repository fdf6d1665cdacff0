import json
import os
import time

import pytest

from agent import leftovers
from agent.conclude import SETTLED, is_settled, mark_settled
from agent.server import NoAnswer, Server
from contract.events import Batch
from contract.run_dir import write_json
from tests.agent.factories import situation
from tests.agent.fake_server import CREDENTIAL


@pytest.fixture
def left(tmp_path, server):
    """A run whose supervisor died after two batches, and how the server knows it."""
    holder = server.assign(rank=1)
    here = situation(tmp_path, server.url)
    here.run.spool.write_text("".join(Batch(n, float(n)).to_line() for n in (1, 2)) + '{"torn')
    dead = {"boot_id": "before the reboot", "pid": os.getpid(), "start_ticks": 1}
    write_json(here.run.run, {"supervisor": dead, "rank": dead})
    return here, holder, Server(server.url, lambda: CREDENTIAL)


def test_it_is_found_told_and_its_spool_delivered(left):
    here, holder, client = left
    assert [run.path for run in leftovers.unsettled(here.home)] == [here.run.path]
    leftovers.settle(here.home, client, here.run)
    assert holder.numbers == [1, 2]
    assert [(report["reason"], report["gone"]) for report in holder.exits] == [
        ("device_lost", False), ("device_lost", True),
    ]  # fmt: skip
    assert holder.exits[-1]["last_batch"] == 2
    assert is_settled(here.run) and leftovers.unsettled(here.home) == []


def test_what_the_rank_was_writing_when_it_died_is_swept_away(left):
    here, _holder, client = left
    here.run.artifacts.mkdir()
    torn = [here.run.path / "progress.json.tmp-4711", here.run.artifacts / "model.safetensors.tmp-4711"]
    ours = here.run.path / f"go.json.tmp-{os.getpid()}"
    for path in (*torn, ours):
        path.write_text("{")
    leftovers.settle(here.home, client, here.run)
    assert [path.exists() for path in (*torn, ours)] == [False, False, True]


def test_a_success_is_told_after_its_files_are_on_the_server(left, server):
    here, holder, client = left
    write_json(here.run.exit, {"outcome": "succeeded", "reason": "", "params": {}})
    here.run.artifacts.mkdir()
    (here.run.artifacts / "model.safetensors").write_bytes(b"weights")
    leftovers.settle(here.home, client, here.run)
    assert [report["outcome"] for report in holder.exits] == ["succeeded"]
    assert list(server.uploads.values()) == [b"weights"]


def test_what_the_supervisor_had_found_out_before_is_told(left):
    here, holder, client = left
    report = {"kind": "attempt", "id": 11, "fence": 1, "outcome": "drained", "reason": "shutdown"}
    write_json(here.run.path / "report.json", report)
    leftovers.settle(here.home, client, here.run)
    assert holder.exits[-1]["reason"] == "shutdown"


def test_while_the_server_is_away_it_stays_to_be_told(left, server):
    here, holder, client = left
    server.away = True
    with pytest.raises(NoAnswer):
        leftovers.settle(here.home, client, here.run)
    assert not is_settled(here.run)
    server.away = False
    leftovers.settle(here.home, client, here.run)
    assert holder.gone


def test_an_end_that_nobody_waits_for_any_more_is_settled_too(left):
    here, holder, client = left
    holder.stale = True
    leftovers.settle(here.home, client, here.run)
    assert is_settled(here.run) and not holder.exits


def test_a_spool_of_an_attempt_before_is_delivered_as_far_as_it_is_taken(left):
    here, holder, client = left
    leftovers.deliver_spool(client, here.run)
    assert holder.numbers == [1, 2] and not holder.exits
    holder.stale = True
    leftovers.deliver_spool(client, here.run)


def test_run_directories_go_a_day_after_the_last_attempt_of_their_job_ended_and_checkpoints_stay(left):
    here, _, _ = left
    other = here.run.path.with_name("12")
    other.mkdir()
    checkpoint = here.home.path / "jobs/5/checkpoints/step-4"
    checkpoint.mkdir(parents=True)
    mark_settled(here.run, "told")
    old = json.loads((here.run.path / SETTLED).read_text()) | {"at": time.time() - 2 * leftovers.KEEP_S}
    write_json(here.run.path / SETTLED, old)
    assert leftovers.sweep(here.home) == [], "attempt 12 of the job has not ended"
    write_json(other / SETTLED, old)
    assert len(leftovers.sweep(here.home)) == 2
    assert not here.run.path.exists() and checkpoint.exists()
