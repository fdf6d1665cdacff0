"""A whole Fleetune under a drill: its parts, the job that trains on it, and what must be true when that has ended."""

import http.client
import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from agent.device_home import DeviceHome
from agent.processes import identity_of, marked_processes, send
from contract.agent_calls import ProcessIdentity
from tests.chaos.roles import living
from tests.e2e.stack import Stack
from tests.hosts import Host
from tests.waiting import wait_until

START_WITHIN_S = 300
TRAINS_WITHIN_S = 240
ENDS_WITHIN_S = 600
SETTLE_S = 16
LONG_S, MEASURE_S = 100, 8
AWAY = (OSError, ValueError, http.client.HTTPException)


class Fleet:
    """`stack` runs with data; jobs of one seed are alike, so that their weights can be compared."""

    def __init__(self, stack: Stack, seed: int, hosts: Sequence[Host] = ()):
        self.stack, self.random, self.hosts = stack, Random(seed), hosts
        self.jobs: list[int] = []
        self.steps_a_second = 0.0

    def begin(self) -> "Fleet":
        self.stack.start(within=START_WITHIN_S)
        self.stack.add_builtin("mnist-5k", within=120)
        return self

    def train(self, seconds: float = 60, **more: Any) -> int:
        """A job on two devices that trains for at least so long, and trains now."""
        self.jobs.append(self._submit(self.steps_for(seconds), **more))
        self.until_it_trains(self.jobs[-1])
        return self.jobs[-1]

    def train_until(self, seconds: float, schedule: Any = None, **more: Any) -> int:
        """A job that trains now, and ends by its time limit after so many seconds of training, however fast it is."""
        limit = {"max_attempts": 50, "max_seconds": int(seconds)} | (schedule or {})
        devices = {"devices": {"count": len(self.device_homes)}}
        self.jobs.append(self._submit(10_000_000, schedule=limit, **devices | more))
        self.until_it_trains(self.jobs[-1])
        return self.jobs[-1]

    def steps_for(self, seconds: float) -> int:
        """More steps than this machine takes in so many seconds: its speed is measured once, for long drills only."""
        if seconds < LONG_S:
            return max(1500, int(150 * seconds))
        self.steps_a_second = self.steps_a_second or self._measured_speed()
        return int(self.steps_a_second * (1.3 * seconds + 30))

    def is_nearly_over(self, number: int, seconds: float) -> bool:
        """Whether a job that was to train for so long has less than a third of it to go."""
        return self.step(number) > 0.66 * self.steps_for(seconds)

    def _measured_speed(self) -> float:
        job = self._submit(1_000_000)
        self.until_it_trains(job, beyond=200)
        first, began = self.step(job), time.monotonic()
        self.pass_(MEASURE_S)
        speed = (self.step(job) - first) / (time.monotonic() - began)
        self.stack.api("POST", f"/jobs/{job}/cancel/")
        self.until_it_ends(job)
        print(f"  {speed:.0f} steps a second", flush=True)
        return speed

    def _submit(self, steps: int, **more: Any) -> int:
        spec = {
            "task": "image-classification",
            "dataset": "mnist-5k",
            "model": {"source": "dense", "hidden": [64, 64]},
            "training": {"max_steps": steps, "learning_rate": 0.003, "optim": "adam",
                         "save_steps": 100, "eval_steps": 10_000_000},
            "export": {"formats": ["safetensors"]},
            "schedule": {"max_attempts": 50},
        }  # fmt: skip
        return self.stack.submit(**spec | more)["id"]

    def job(self, number: int) -> dict[str, Any]:
        """{} while the server is away."""
        try:
            seen = self.stack.job(number)
        except AWAY:
            return {}
        return seen if "attempts" in seen else {}

    def attempt(self, number: int) -> dict[str, Any]:
        attempts = self.job(number).get("attempts") or [{}]
        return attempts[-1]

    def step(self, number: int) -> int:
        """The step that all ranks of its last attempt have reached."""
        return min((rank["step"] for rank in self.attempt(number).get("ranks", [])), default=0)

    def until_it_trains(self, number: int, attempt: int = 1, beyond: int = 20) -> dict[str, Any]:
        """The attempt with this number, or a later one, once it has steps behind it."""

        def trains() -> dict[str, Any]:
            seen = self.attempt(number)
            far = (seen.get("resumed_from_step") or 0) + beyond
            there = seen.get("number", 0) >= attempt and self.job(number).get("state") == "running"
            return seen if there and self.step(number) >= far else {}

        return wait_until(trains, TRAINS_WITHIN_S, f"job {number} trains", every=0.2)

    def until_it_ends(self, number: int, within: float = ENDS_WITHIN_S) -> dict[str, Any]:
        ends = {"succeeded", "failed", "cancelled"}
        return wait_until(
            lambda: (seen := self.job(number)).get("state") in ends and seen, within, f"job {number} ends", every=0.5
        )

    def weights(self, number: int) -> str:
        """The SHA-256 of the model that it left."""
        return self.stack.files(number)["model.safetensors"]["sha256"]

    def points_are_whole(self, number: int) -> None:
        """Each rank has every step of the attempts that it was part of, once."""
        raw = self.stack.api("GET", f"/jobs/{number}/metrics/?key=train/loss&fmt=csv&max_points=0")[1]
        header, *lines = raw.decode().splitlines()
        names = header.split(",")
        rows = [dict(zip(names, line.split(","), strict=True)) for line in lines]
        for rank in {row["rank"] for row in rows}:
            steps = [int(row["step"]) for row in rows if row["rank"] == rank]
            assert steps == self._steps_of(int(rank), number), f"points of rank {rank} of job {number}"

    def _steps_of(self, rank: int, number: int) -> list[int]:
        """What a rank must have reported: of each attempt the steps up to the one from which the next one went on."""
        job = self.job(number)
        begun = [attempt for attempt in job["attempts"] if attempt["resumed_from_step"] is not None]
        begins = [attempt["resumed_from_step"] for attempt in begun]
        steps: set[int] = set()
        for attempt, begin, end in zip(begun, begins, [*begins[1:], job["step"]], strict=True):
            steps = {step for step in steps if step <= begin}
            if rank in [each["rank"] for each in attempt["ranks"]]:
                steps |= set(range(begin + 1, end + 1))
        return sorted(steps)

    def promises_hold(self) -> None:
        self.pass_(SETTLE_S)
        homes = [str(home) for home in self.device_homes]
        told = json.loads(self.stack.manage("check_invariants", "--json", "--disk", *homes))
        assert told["ok"], told

    def pass_(self, seconds: float) -> None:
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > seconds, within=seconds + 10)

    @contextmanager
    def nobody_restarts_anything(self):
        """The keeper is frozen: what dies stays dead."""
        keeper = self.stack.process
        assert keeper is not None
        os.kill(keeper.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(keeper.pid, signal.SIGCONT)

    def kill(self, *roles: str) -> None:
        """Every process that plays one of these parts."""
        there = living(self.stack)
        for role in roles:
            assert there.get(role), f"no {role} lives"
            for identity in there[role]:
                send(identity, signal.SIGKILL)

    @property
    def device_homes(self) -> list[Path]:
        return sorted(path.parent for path in (self.stack.home / "devices").glob("*/agent.json"))

    def is_local(self, slug: str) -> bool:
        return any(DeviceHome(path).device().slug == slug for path in self.device_homes)

    def home_of(self, slug: str) -> DeviceHome:
        return next(home for path in self.device_homes if (home := DeviceHome(path)).device().slug == slug)

    def kill_device(self, slug: str) -> None:
        """Agent, starter, supervisor and rank of one device, at once."""
        home = self.home_of(slug)
        victims = [item.identity for item in marked_processes(home.path)]
        for name in ("agent.run.json", "starter.json"):
            body = json.loads((home.path / name).read_text())
            victims.append(ProcessIdentity(**{key: body[key] for key in ("boot_id", "pid", "start_ticks")}))
        for identity in victims:
            send(identity, signal.SIGKILL)

    def is_alive(self, pid: int) -> bool:
        return identity_of(pid) is not None
