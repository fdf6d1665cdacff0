"""A failure tried on purpose: the supervisor kills what the server names, and nothing else."""

import pytest

from agent.processes import is_alive
from contract.agent_calls import ProcessIdentity
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
LONG = {"steps": 200, "seconds": 0.05}


def started(stage, server):
    holder = server.assign(spec=LONG)
    agent = stage.start_agent()
    wait_until(lambda: len(holder.steps()) >= 3, within=30, about="the rank takes steps")
    return holder, agent, ProcessIdentity(**stage.identities(holder)["rank"])


def test_a_rank_that_is_to_be_killed_dies_as_of_a_crash(stage, server):
    holder, _agent, rank = started(stage, server)
    holder.kill = "rank"
    wait_until(lambda: holder.exits, within=15, about="the end is told")
    assert not is_alive(rank)
    assert (holder.exits[0]["outcome"], holder.exits[0]["reason"]) == ("failed", "killed")


def test_an_agent_that_is_to_be_killed_dies_and_its_rank_goes_on(stage, server):
    holder, agent, rank = started(stage, server)
    holder.kill = "agent"
    assert agent.wait(15) == -9
    before = len(holder.steps())
    wait_until(lambda: len(holder.steps()) > before + 5, within=15, about="training goes on without its agent")
    assert is_alive(rank)
    assert holder.exits == []
    again = stage.start_agent()
    holder.kill = "agent"
    wait_until(lambda: not holder.kill, within=15, about="the same order is told again")
    before = len(holder.steps())
    wait_until(lambda: len(holder.steps()) > before + 10, within=15)
    assert again.poll() is None, "an order is obeyed once"
