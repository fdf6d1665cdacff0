"""A failure that somebody tries on purpose: the supervisor kills its rank, or the agent beside it."""

import logging
import signal

from agent.processes import send
from agent.situation import Situation
from contract.agent_calls import ProcessIdentity
from contract.run_dir import read_json

log = logging.getLogger(__name__)


def fail_on_purpose(situation: Situation) -> None:
    """Do what the server ordered, once: as a crash would, and only to that very process (rule R12)."""
    order, situation.to_kill = situation.to_kill, ""
    if order == situation.obeyed:
        return
    situation.obeyed = order or situation.obeyed
    what = order.partition(":")[0]
    if what == "rank":
        log.warning("the rank is killed: somebody tries a failure")
        send(situation.rank, signal.SIGKILL)
    elif what == "agent":
        log.warning("the agent is killed: somebody tries a failure")
        send(_agent_of(situation), signal.SIGKILL)


def _agent_of(situation: Situation) -> ProcessIdentity | None:
    body = read_json(situation.home.path / "agent.run.json") or {}
    body.pop("home", None)
    return ProcessIdentity(**body) if body else None
