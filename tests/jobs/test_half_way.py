"""F28: whatever verb breaks off at whatever statement leaves nothing changed, rings nobody, and works the next time.

CHAOS_FULL=1 breaks off at every statement; without it in the middle and at the last one.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from contract.timing import LEASE_TTL_S
from devices import services as device_services
from devices.models import Device, Lease
from jobs import clock, reconciler, scheduling, services
from jobs.models import Attempt, Checkpoint, Frame, Head, Job, Latest, LogRow, Rank, Transition
from tests.accounts.factories import make_user
from tests.jobs.factories import FakeAgent, listed, make_claimed, make_gang, make_job, make_owner, make_running

pytestmark = pytest.mark.django_db
KEPT = (Job, Attempt, Rank, Lease, Device, Transition, Checkpoint, Frame, Head, Latest, LogRow)
CHANGES = ("INSERT", "UPDATE", "DELETE", "RELEASE")
POINTS = {"train/loss": [0.5, 0.4, 0.3]}


class Breaking:
    """Lets statements that change something through, and breaks off at the one with this number (0 = none)."""

    def __init__(self, number: int = 0):
        self.number, self.seen = number, 0

    def __call__(self, execute: Callable, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen += sql.startswith(CHANGES)
        if self.number and self.seen == self.number and sql.startswith(CHANGES):
            raise OperationalError("broken off on purpose")
        return execute(sql, params, many, context)


def everything() -> list[Any]:
    return [list(kind.objects.order_by("pk").values()) for kind in KEPT]


def statements_of(verb: Callable[[], Any]) -> int:
    """How many statements of it change something; it is undone."""
    counting, mark = Breaking(), transaction.savepoint()
    with connection.execute_wrapper(counting):
        verb()
    transaction.savepoint_rollback(mark)
    return counting.seen


def break_off(verb: Callable[[], Any], number: int) -> None:
    try:
        with connection.execute_wrapper(Breaking(number)), transaction.atomic():
            answer = verb()
            if getattr(answer, "status_code", 200) >= 500 or answer in (None, 0, False):
                transaction.set_rollback(True)
    except (OperationalError, AssertionError):
        return


def waiting(gang: list[FakeAgent]) -> Job:
    return make_job(3)


def end_silent(device: Device) -> int:
    Lease.objects.filter(device=device).update(healthy_ticks=LEASE_TTL_S)
    return reconciler.end_silent_leases(clock.now() + timedelta(seconds=2 * LEASE_TTL_S))


VERBS: dict[str, tuple[Callable, Callable]] = {
    "submit": (waiting, lambda job, gang: make_job(2)),
    "cancel what waits": (waiting, lambda job, gang: services.cancel(job, job.owner) or True),
    "cancel what runs": (make_running, lambda job, gang: services.cancel(job, job.owner) or True),
    "pause": (make_running, lambda job, gang: services.pause(job, job.owner) or True),
    "move off a device": (
        make_running,
        lambda job, gang: device_services.drain(gang[0].device, make_user("root", role="admin"), running="move"),
    ),
    "acknowledge": (make_claimed, lambda job, gang: gang[0].ack(listed(8, "eight"))),
    "renew": (make_running, lambda job, gang: gang[0].lease(step=7)),
    "store": (make_running, lambda job, gang: gang[0].tell(points=POINTS)),
    "save": (make_running, lambda job, gang: gang[0].save(8, "eight")),
    "fail": (make_running, lambda job, gang: gang[0].exit("failed", "killed", rank=0)),
    "lose a device": (make_running, lambda job, gang: end_silent(gang[1].device)),
}


def arranged(name: str) -> tuple[Job, list[FakeAgent]]:
    arrange = VERBS[name][0]
    gang = make_gang()
    make_owner()
    job = arrange(gang) if arrange is waiting else arrange(*gang)
    for agent in gang:
        agent.assignments()
    return job, gang


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_that_breaks_off_changes_nothing_and_works_the_next_time(name, monkeypatch):
    monkeypatch.setattr("devices.doorbell.ring", lambda ids, payload: len(list(ids)))
    job, gang = arranged(name)
    verb = partial(VERBS[name][1], job, gang)
    batches = [agent.batch for agent in gang]
    count, before, promised = statements_of(verb), everything(), len(connection.run_on_commit)
    assert count > 0
    for number in range(1, count + 1) if os.environ.get("CHAOS_FULL") else sorted({count // 2 or 1, count}):
        for agent, batch in zip(gang, batches, strict=True):
            agent.batch = batch
        break_off(verb, number)
        assert everything() == before, f"{name} broken off at statement {number} of {count}"
        assert len(connection.run_on_commit) == promised, f"{name}: a doorbell of what never happened"
    for agent, batch in zip(gang, batches, strict=True):
        agent.batch = batch
    assert verb() is not None
    assert everything() != before


def test_a_claim_that_breaks_off_gives_every_device_back(monkeypatch):
    make_gang()
    job = make_job(2)
    count = statements_of(partial(scheduling.round, clock.now()))
    for number in range(1, count + 1) if os.environ.get("CHAOS_FULL") else sorted({2, count // 2, count - 2}):
        break_off(partial(scheduling.round, clock.now()), number)
        held = Lease.objects.filter(released_at=None).count()
        job.refresh_from_db()
        assert (job.state, held) in (("pending", 0), ("claimed", 2)), number
        if job.state == "claimed":
            break
    else:
        assert scheduling.round(clock.now()) == 1
