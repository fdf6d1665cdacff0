"""A state machine over the scheduler: real services on a real database, devices and clocks that do as they like.

    make chaos-model N=300

Hypothesis chooses what people, devices, control and clocks do next. I1 to I3 hold after each step; at the end of each
history everybody is well again, and then every job ends and nothing of it is left (I2, I6).
"""

from datetime import timedelta
from itertools import chain

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from devices import services as device_services
from devices.models import Device, Lease
from jobs import scheduling, services
from jobs.invariants import Scope, aftermath, driving, history, holding
from jobs.models import Job
from jobs.services import Refused
from jobs.states import ENDED
from tests.accounts.factories import make_user
from tests.chaos.actors import LATE, TAKEN, Clocks, ModelDevice
from tests.jobs.factories import make_job, make_owner

DEVICES = 3
SILENCE_S = 12
SETTLE_S = 15
COME_TO_REST = 30
"""rounds in which everybody does their next three things; a job needs about three"""
WHICH = st.integers(0, 9)
ENDS = ("succeeded", "failed:killed", "failed:code_error", "failed:device_lost", "failed:no_space")
ASKED = ("cancel", "force", "pause", "resume", "retry", "retry from start")


class Scheduling(RuleBasedStateMachine):
    """One history. It is undone when it ends: the database stays as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.savepoint()
        self.clocks = Clocks()
        self.owner, self.admin = make_owner(), make_user("root", role="admin")
        self.devices = [ModelDevice(number) for number in range(DEVICES)]
        self.jobs: list[int] = []
        self.broken = False
        self.tick()

    @rule(count=st.integers(1, DEVICES), urgent=st.booleans(), gives_way=st.booleans(), elastic=st.booleans())
    def submit(self, count: int, urgent: bool, gives_way: bool, elastic: bool) -> None:
        schedule = {"priority": 0 if urgent else -1, "preemptible": gives_way, "min_devices": int(elastic)}
        self.jobs.append(make_job(count, owner=self.owner, schedule=schedule).pk)

    @rule()
    def tick(self) -> None:
        if self.clocks.is_time_to_beat():
            self._beat()
        self.clocks.tick()

    @rule(which=WHICH, times=st.integers(1, 6))
    def work(self, which: int, times: int) -> None:
        for _ in range(times):
            self._device(which).act()

    @rule()
    def all_work(self) -> None:
        self._all_do_their_next()

    @rule(which=WHICH, how=st.sampled_from(ENDS))
    def a_rank_ends(self, which: int, how: str) -> None:
        self._device(which).act(how)

    @rule(which=WHICH)
    def a_device_falls_silent_or_wakes(self, which: int) -> None:
        device = self._device(which)
        device.silent = not device.silent

    @rule()
    def the_silent_lose_their_leases(self) -> None:
        for _ in range(SILENCE_S):
            self.tick()

    @rule(which=WHICH)
    def an_agent_starts_again(self, which: int) -> None:
        self._device(which).forget()

    @rule(which=WHICH, call=st.sampled_from(["lease", "ack", "exit"]))
    def an_old_call_comes_late(self, which: int, call: str) -> None:
        """It changes no job. A lease or an acknowledgement is refused; an end that was told is taken once more."""
        before = self._states()
        status = self._device(which).say_again(call)
        assert status in (None, *LATE, *([TAKEN] if call == "exit" else [])), (call, status)
        assert self._states() == before

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, verb=st.sampled_from(ASKED))
    def somebody_asks(self, which: int, verb: str) -> None:
        job = Job.objects.get(pk=self.jobs[which % len(self.jobs)])
        ask, _space, how = verb.partition(" ")
        more = {"start": True} if how else {}
        try:
            if ask == "force":
                services.cancel(job, self.owner, force=True)
            else:
                getattr(services, ask)(job, self.owner, **more)
        except Refused:
            assert self._states()[job.pk] == job.state

    @rule(which=WHICH, running=st.sampled_from(["finish", "move"]))
    def a_device_is_drained_or_resumed(self, which: int, running: str) -> None:
        device = Device.objects.get(pk=self._device(which).agent.device.pk)
        if device.draining:
            device_services.resume(device, self.admin)
        else:
            device_services.drain(device, self.admin, running=running)

    @rule()
    def another_scheduler_looks(self) -> None:
        scheduling.round(self.clocks.wall)

    @rule()
    def control_starts_again(self) -> None:
        self.clocks.start_control()
        self.tick()

    @rule(seconds=st.sampled_from([-3600, -30, 30, 3600]))
    def the_clock_jumps(self, seconds: int) -> None:
        before = self._states()
        self.clocks.jump(seconds)
        self.tick()
        assert not {job for job, state in self._states().items() if state == "failed" and before[job] != "failed"}

    @rule()
    def the_server_is_away_for_a_minute(self) -> None:
        held = Lease.objects.filter(released_at=None).count()
        self.clocks.pass_(60)
        self.clocks.tick()
        assert Lease.objects.filter(released_at=None).count() >= held, "an outage of ours ended a lease"

    @invariant()
    def promises_hold(self) -> None:
        """As of the last tick: between two ticks nobody could have acted on a time that passed."""
        scope = Scope(None, self.clocks.ticked, self.clocks.ticked - timedelta(seconds=SETTLE_S))
        found = [*chain(holding.check(scope), driving.check(scope), history.check(scope))]
        self.broken = bool(found)
        assert not found, "\n".join(map(str, found))

    def teardown(self) -> None:
        try:
            if not self.broken:
                self._everybody_is_well_again()
        finally:
            self.clocks.stop()
            transaction.savepoint_rollback(self.undo)

    def _everybody_is_well_again(self) -> None:
        """What waits or runs is stopped, and the devices do their part: all ends, and a new job succeeds."""
        for device in self.devices:
            device.silent = False
            device_services.resume(Device.objects.get(pk=device.agent.device.pk), self.admin)
        for job in Job.objects.exclude(state__in=[*ENDED, "cancelling"]):
            services.cancel(job, self.owner)
        self._until(
            lambda: not Lease.objects.filter(released_at=None).exists() and set(self._states().values()) <= ENDED
        )
        self.jobs.append(make_job(DEVICES, owner=self.owner).pk)
        self._until(lambda: self._states()[self.jobs[-1]] == "succeeded", "succeeded")
        self.clocks.pass_(SETTLE_S)
        self.tick()
        scope = Scope(None, self.clocks.ticked, self.clocks.ticked - timedelta(seconds=SETTLE_S))
        found = list(aftermath.check(scope))
        assert not found, "\n".join(map(str, found))
        assert set(self._states()) >= set(self.jobs), "an accepted job is gone"

    def _until(self, done, ends: str = "") -> None:
        for _ in range(COME_TO_REST):
            if done():
                return
            for _ in range(3):
                self._all_do_their_next(ends)
            self.tick()
        raise AssertionError(f"not at rest after {COME_TO_REST} rounds: {self._states()}")

    def _all_do_their_next(self, ends: str = "") -> None:
        for device in self.devices:
            device.act(ends)

    def _beat(self) -> None:
        """Agents say that they are there, supervisors that their ranks are."""
        for device in self.devices:
            device.beat()
            device.renew()

    def _device(self, which: int) -> ModelDevice:
        return self.devices[which % DEVICES]

    def _states(self) -> dict[int, str]:
        return dict(Job.objects.values_list("pk", "state"))


def run(histories: int, steps: int = 40, **more) -> None:
    """Raises with the shortest history that breaks a promise. Needs a transaction around it."""
    how = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        **more,
    )
    run_state_machine_as_test(Scheduling, settings=how)
