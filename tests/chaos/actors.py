"""What the model of the scheduler moves: clocks that it owns, and devices that say what real agents say, or do not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from contract.timing import HEARTBEAT_S
from jobs.reconciler import Reconciler
from tests.devices.factories import make_device
from tests.jobs.factories import FakeAgent, event, listed, sha256_of

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
TAKEN, LATE = 200, (404, 409)


class Clocks:
    """Wall clock and monotonic clock of control, and its ticks. No other clock goes in a model."""

    def __init__(self) -> None:
        self.wall, self.monotonic, self.ticked = BEGIN, 1000.0, BEGIN
        self._patches = [
            mock.patch("django.utils.timezone.now", lambda: self.wall),
            mock.patch("devices.doorbell.ring", lambda ids, payload: len(list(ids))),
            mock.patch("jobs.verdicts.JITTER", 0.0),
        ]
        for patch in self._patches:
            patch.start()
        self.start_control()

    def start_control(self) -> None:
        """Another process of control, which remembers nothing of the one before."""
        self.reconciler = Reconciler(lambda: True)
        self.reconciler.pulse.monotonic = lambda: self.monotonic

    def is_time_to_beat(self) -> bool:
        return int(self.monotonic) % int(HEARTBEAT_S) == 0

    def pass_(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds

    def jump(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)

    def tick(self) -> None:
        self.pass_(1)
        self.reconciler.tick(self.wall)
        self.ticked = self.wall

    def stop(self) -> None:
        for patch in self._patches:
            patch.stop()


class ModelDevice:
    """One device: what it holds, how far its rank is, which checkpoints lie on its disk. A silent one says nothing."""

    def __init__(self, number: int):
        self.agent = FakeAgent(make_device(f"model-cpu-{number}"))
        self.process = {"boot_id": "b", "pid": 100 + number, "start_ticks": 1}
        self.silent = False
        self.done: dict[int, set[str]] = {}
        """attempt → what its rank has done here: acknowledged, met, proved, ended"""
        self.saved: dict[int, list[dict[str, Any]]] = {}
        """job → checkpoints on this disk"""
        self.before: list[dict[str, Any]] = []
        """attempts that it held, each with its fence"""

    def beat(self) -> None:
        if not self.silent:
            body = {"v": 1, "process": self.process, "environment_hash": ""}
            answer = self.agent.client.post("/agent/v1/heartbeat", body, content_type="application/json")
            assert answer.status_code == TAKEN, answer.content

    def look(self) -> dict[str, Any] | None:
        """The attempt that the device should serve now."""
        if self.silent:
            return None
        held = self.agent.held
        found = self.agent.assignments()
        if held and held not in self.before and held.get("id") != self.agent.held.get("id"):
            self.before.append(held)
        return found[0] if found else None

    def renew(self) -> None:
        """The supervisor, or the agent before there is one, holds the lease of what it knows to be here."""
        if self.agent.held and not self.silent:
            self._said(self.agent.lease())

    def act(self, ends: str = "") -> None:
        """The next thing that agent, supervisor or rank would do; a rank that trains may be told how it `ends`."""
        wanted = self.look()
        if wanted is None:
            return
        done = self.done.setdefault(wanted["id"], set())
        if wanted["wanted"] != "run":
            self._exit("drained" if wanted["wanted"] == "drain" else "cancelled")
        elif "acknowledged" not in done:
            self._said(self.agent.ack(*self.saved.get(wanted["job"], [])))
            done.add("acknowledged")
        elif "ended" in done:
            self._said(self.agent.exit())
        elif "met" not in done:
            self._meet(done)
        elif "proved" not in done:
            self.agent.prove()
            done.add("proved")
        elif ends:
            done.add("ended")
            self._exit(*ends.split(":"))
        else:
            self._save(wanted["job"])

    def forget(self) -> None:
        """The agent starts again: it knows what lies on its disk and asks the server for the rest."""
        wanted = self.look()
        if wanted is not None:
            self.agent.batch = self.agent.client.get(f"/agent/v1/events?{self.agent.query}").json()["last_batch"]

    def say_again(self, call: str) -> int | None:
        """A call of an attempt that was held before, come late; its status."""
        if self.silent or not self.before:
            return None
        now, self.agent.held = self.agent.held, self.before[-1]
        try:
            bodies = {"lease": {"supervisor": {}, "rank_process": {}}, "ack": {"checkpoints": []}}
            return self.agent.post(call, **bodies.get(call, {"outcome": "succeeded", "gone": True})).status_code
        finally:
            self.agent.held = now

    def _meet(self, done: set[str]) -> None:
        answer = self._said(self.agent.lease(port=5000, address="127.0.0.1"))
        if answer.status_code == TAKEN and answer.json()["rendezvous"]:
            done.add("met")

    def _save(self, job: int) -> None:
        step = 8 * (self.agent.batch + 1)
        text = f"{self.agent.held['id']}-{step}"
        files = {"files": [{"name": "model.safetensors", "bytes": 1, "sha256": sha256_of(text)}]}
        facts = {"directory": f"step-{step}", "manifest": files, "manifest_sha256": sha256_of(text), "bytes": 1}
        self.agent.tell(event("checkpoint", step, **facts, seconds=0.1))
        self.saved.setdefault(job, []).append(listed(step, text))

    def _exit(self, outcome: str, reason: str = "") -> None:
        self._said(self.agent.exit(outcome, reason or ("user_cancelled" if outcome == "cancelled" else "")))

    def _said(self, answer):
        assert answer.status_code in (TAKEN, *LATE), answer.content
        return answer
