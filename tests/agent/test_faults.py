"""Plugs pulled on one device: agent, supervisor, rank and server die or fall silent, and nothing is lost or doubled."""

import os
import signal

import pytest

from agent.processes import is_alive
from contract.agent_calls import ProcessIdentity
from contract.run_dir import read_json, write_json
from tests.agent.stage import Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
LONG = {"steps": 60, "seconds": 0.05}


def started(stage, server, **changes):
    """An assignment whose rank has taken a few steps."""
    holder = server.assign(**({"spec": LONG} | changes))
    agent = stage.start_agent()
    wait_until(lambda: len(holder.steps()) >= 3, within=20, about="the rank takes steps")
    return holder, agent


def rank_of(stage, holder) -> ProcessIdentity:
    return ProcessIdentity(**stage.identities(holder)["rank"])


def test_a_killed_agent_comes_back_to_the_same_rank_and_no_batch_is_lost_or_doubled(stage, server):
    holder, agent = started(stage, server)
    rank = rank_of(stage, holder)
    agent.kill()
    agent.wait()
    before = len(holder.steps())
    wait_until(lambda: len(holder.steps()) > before + 5, within=5, about="training goes on without its agent")
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20, about="the end")
    assert holder.steps() == list(range(1, 61))
    assert {line["rank_process"]["pid"] for line in holder.leases if line["rank_process"]} == {rank.pid}
    assert server.heartbeats[-1]["replaces"]["pid"] == agent.pid


def test_an_agent_that_is_told_to_end_does_so_at_once_and_leaves_the_rank(stage, server):
    holder, agent = started(stage, server)
    agent.terminate()
    assert agent.wait(5) == 0
    assert is_alive(rank_of(stage, holder))
    wait_until(lambda: holder.gone, within=20)
    assert holder.exits[-1]["outcome"] == "succeeded"


def test_when_the_supervisor_is_killed_its_rank_ends_and_the_agent_tells(stage, server):
    holder, _ = started(stage, server)
    rank = rank_of(stage, holder)
    os.kill(stage.identities(holder)["supervisor"]["pid"], signal.SIGKILL)
    wait_until(lambda: not is_alive(rank), within=2)
    wait_until(lambda: holder.gone, within=5)
    assert (holder.exits[-1]["outcome"], holder.exits[-1]["reason"]) == ("failed", "device_lost")
    assert holder.numbers == list(range(1, len(holder.numbers) + 1))
    assert holder.exits[-1]["last_batch"] == len(holder.numbers)


def test_a_killed_rank_is_reported_with_its_signal_and_what_it_left_is_ended(stage, server):
    holder, _ = started(stage, server, spec=LONG | {"child": True})
    rank = rank_of(stage, holder)
    assert stage.session_of(rank.pid) == 2
    os.kill(rank.pid, signal.SIGKILL)
    wait_until(lambda: holder.exits, within=1)
    wait_until(lambda: holder.gone, within=3)
    assert (holder.exits[0]["reason"], holder.exits[0]["params"]["signal"]) == ("killed", "SIGKILL")
    assert stage.session_of(rank.pid) == 0
    assert "tiny rank begins" in holder.lines()


def test_a_rank_that_ends_without_its_report_is_a_code_error_with_its_last_lines(stage, server):
    holder = server.assign(spec={"raise_at": 2})
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20)
    assert (holder.exits[-1]["outcome"], holder.exits[-1]["reason"]) == ("failed", "code_error")
    assert "KeyError" in holder.exits[-1]["params"]["last_log_line"]
    assert any("KeyError" in line for line in holder.lines())


def test_a_server_that_is_away_misses_nothing_and_stores_nothing_twice(stage, server):
    holder, _ = started(stage, server)
    server.away = True
    rank = rank_of(stage, holder)
    wait_until(lambda: read_json(stage.run(holder).progress)["step"] >= 40, within=10, about="training goes on")
    assert is_alive(rank)
    server.away = False
    server.swallow_answers = 2
    wait_until(lambda: holder.gone, within=20)
    assert holder.steps() == list(range(1, 61))
    assert holder.exits[-1]["outcome"] == "succeeded"


def test_a_run_that_ended_while_the_server_was_away_is_told_later(stage, server):
    holder, _ = started(stage, server, spec=LONG | {"steps": 20, "artifact": "weights"})
    server.away = True
    wait_until(lambda: stage.run(holder).exit.exists(), within=10)
    server.away = False
    wait_until(lambda: holder.gone, within=20)
    assert holder.steps() == list(range(1, 21))
    assert [bytes(content) for content in server.uploads.values()] == [b"weights"]


def test_an_old_fence_stops_the_rank(stage, server):
    holder, _ = started(stage, server, spec=LONG | {"steps": 1000, "deaf": True})
    rank = rank_of(stage, holder)
    holder.stale = True
    wait_until(lambda: not is_alive(rank), within=5)
    wait_until(lambda: not stage.marked(), within=5)
    assert not holder.exits


def test_a_revoked_credential_stops_rank_and_agent(stage, server):
    holder, agent = started(stage, server, spec=LONG | {"steps": 1000})
    rank = rank_of(stage, holder)
    server.credentials.clear()
    wait_until(lambda: not is_alive(rank), within=5)
    assert agent.wait(10) == 3
    assert "does not take the credential" in stage.output.read_text()


@pytest.mark.parametrize("deaf", [False, True])
def test_cancel_ends_a_rank_that_listens_and_one_that_does_not(stage, server, deaf):
    holder, _ = started(stage, server, spec=LONG | {"steps": 1000, "deaf": deaf})
    holder.wanted = "cancel"
    wait_until(lambda: holder.gone, within=5)
    assert holder.exits[-1]["outcome"] == "cancelled"
    assert not stage.session_of(rank_of(stage, holder).pid)


def test_drain_lets_the_rank_end_in_its_own_way(stage, server):
    holder, _ = started(stage, server, spec=LONG | {"steps": 1000})
    holder.wanted = "drain"
    wait_until(lambda: holder.gone, within=5)
    assert holder.exits[-1]["outcome"] == "drained"


def test_a_hanging_rank_shows_its_stacks_and_is_ended_as_stalled(tmp_path, server):
    stage = Stage(tmp_path / "device", server, scale=0.05)
    try:
        holder = server.assign(spec={"steps": 9, "hang_at": 4, "budget": 0.2})
        stage.start_agent()
        wait_until(lambda: holder.gone, within=25)
        assert (holder.exits[-1]["outcome"], holder.exits[-1]["reason"]) == ("failed", "stalled")
        assert holder.exits[-1]["params"]["step"] == 3
        assert any("_hang_here" in line for line in holder.lines()), holder.lines()
        assert any("No sign of life" in line for line in holder.lines())
    finally:
        stage.end()


def test_a_stopped_process_is_called_that(tmp_path, server):
    stage = Stage(tmp_path / "device", server, scale=0.05)
    try:
        holder, _ = started(stage, server, spec=LONG | {"budget": 0.2, "steps": 1000})
        os.kill(rank_of(stage, holder).pid, signal.SIGSTOP)
        wait_until(lambda: holder.gone, within=15)
        assert holder.exits[-1]["reason"] == "stalled"
        assert any("stopped (T)" in line for line in holder.lines())
    finally:
        stage.end()


def test_an_innocent_process_with_the_number_of_a_supervisor_is_never_signalled(stage, server):
    holder, agent = started(stage, server)
    agent.kill()
    run, identities = stage.run(holder), stage.identities(holder)
    innocent = os.getpid()
    os.kill(identities["supervisor"]["pid"], signal.SIGKILL)
    for part in ("supervisor", "rank"):
        identities[part] |= {"pid": innocent}
    write_json(run.run, identities)
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20)
    assert holder.exits[-1]["reason"] == "device_lost"
    assert os.getpid() == innocent


def test_a_start_that_broke_off_before_the_record_is_made_good_by_one_rank(stage, server):
    holder = server.assign(spec={"steps": 3})
    agent = stage.start_agent(FLEETUNE_FAULT="launch.after_mkdir:1:kill")
    assert agent.wait(20) == -signal.SIGKILL
    assert stage.run(holder).assignment.exists() and not stage.run(holder).run.exists()
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20)
    assert holder.steps() == [1, 2, 3]


def test_a_supervisor_that_was_frozen_past_its_right_stores_nothing_and_ends_its_rank(stage, server):
    holder, agent = started(stage, server, spec=LONG | {"steps": 1000})
    agent.kill()
    agent.wait()
    rank, supervisor = rank_of(stage, holder), stage.identities(holder)["supervisor"]["pid"]
    os.kill(supervisor, signal.SIGSTOP)
    before = len(holder.batches)
    spooled = len(stage.run(holder).spool.read_text().splitlines())
    wait_until(lambda: len(stage.run(holder).spool.read_text().splitlines()) > spooled + 5, within=10)
    holder.stale = True
    os.kill(supervisor, signal.SIGCONT)
    wait_until(lambda: not is_alive(rank), within=5 * 2, about="the rank of the old right ends")
    wait_until(lambda: not stage.marked(), within=10)
    assert len(holder.batches) == before


def test_a_host_that_shuts_down_ends_ranks_in_order_and_the_next_agent_tells(stage, server):
    holder, agent = started(stage, server, spec=LONG | {"steps": 1000})
    agent.terminate()
    agent.wait(5)
    server.away = True
    os.kill(stage.identities(holder)["supervisor"]["pid"], signal.SIGTERM)
    wait_until(lambda: not stage.marked(), within=6)
    server.away = False
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20)
    assert holder.exits[-1]["outcome"] == "drained"
    assert holder.steps() == list(range(1, len(holder.steps()) + 1))


def test_an_impossible_batch_is_set_aside_and_the_rest_arrives(stage, server):
    holder = server.assign(spec={"steps": 8})
    holder.impossible = {3}
    stage.start_agent()
    wait_until(lambda: holder.gone, within=20)
    assert holder.steps() == [1, 2, 4, 5, 6, 7, 8]
    assert any("Batch 3" in line for line in holder.lines())
    assert (stage.run(holder).path / "set_aside.jsonl").read_text().count("\n") == 1


def test_a_device_taken_by_another_agent_starts_nothing_until_it_is_free(stage, server):
    server.taken = True
    holder = server.assign(spec={"steps": 2})
    stage.start_agent()
    wait_until(lambda: "another agent runs as this device" in stage.output.read_text(), within=20)
    assert not holder.acknowledged
    server.taken = False
    wait_until(lambda: holder.gone, within=20)


def test_an_attempt_waits_for_the_one_before_to_be_gone_and_delivers_what_that_left(stage, server):
    first, _ = started(stage, server, spec=LONG | {"steps": 1000, "deaf": True})
    supervisor = stage.identities(first)["supervisor"]["pid"]
    os.kill(supervisor, signal.SIGSTOP)
    first.assignment["wanted"] = "stop"
    del server.holders[("attempt", 11)]
    server.holders[("attempt", 11)] = first
    second = server.assign(id=12, fence=2, number=2, spec={"steps": 2})
    wait_until(lambda: second.gone, within=20)
    assert second.steps() == [1, 2]
    spool = stage.run(first).spool.read_text().splitlines()
    assert first.numbers == list(range(1, len(first.numbers) + 1)) and len(first.numbers) >= len(spool) - 1
