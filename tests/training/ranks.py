"""Real ranks for tests: a real starter, forks of it, and go.json from the test in place of a server."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contract.agent_calls import Go
from contract.run_dir import RunDir, read_json, write_json
from tests.training.factories import assigned
from tests.waiting import wait_until
from training.checkpoint_files import steps

ROOT = Path(__file__).resolve().parents[2]


class Starter:
    """A starter process. Use as a context."""

    def __init__(self, home: Path, inside: Sequence[str] = (), **env: str):
        """`inside`: the command under which it runs, in another network namespace say."""
        self.socket = home / "starter.sock"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | env
        names = "training.preload,tests.training.stub_supervisor"
        self.process = subprocess.Popen(
            [*inside, sys.executable, "-m", "training.starter", "--socket", str(self.socket), "--preload", names],
            cwd=home,
            env=environment,
            start_new_session=True,
        )

    def __enter__(self) -> "Starter":
        wait_until(self.socket.exists, within=60, about="the starter listens")
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(10)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(self.socket))
            connection.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(connection.makefile().readline())

    def start(self, run_dir: Path, cores: list[int], rank: str = "training.run:main", **env: str) -> int:
        """The supervisor's pid. `rank` names what the forked rank runs."""
        answer = self.ask(
            {
                "run_dir": str(run_dir),
                "device_home": str(run_dir.parent),
                "supervise": "tests.training.stub_supervisor:supervise",
                "rank": rank,
                "cores": cores,
                "env": env,
            }
        )
        return answer["pid"]


@dataclass
class Attempt:
    """Ranks of one attempt, each with its own home under `home`."""

    starter: Starter
    home: Path
    spec: dict[str, Any]
    data: list[Path]
    """one per rank"""
    number: int = 1
    resume_step: int = 0
    model_dir: str = ""
    env: dict[str, str] = field(default_factory=dict)
    env_of: dict[int, dict[str, str]] = field(default_factory=dict)
    spec_of: dict[int, dict[str, Any]] = field(default_factory=dict)
    """for a rank that was given another spec than the rest"""
    starter_of: dict[int, Starter] = field(default_factory=dict)
    """for a rank on a host of its own"""
    interface_of: dict[int, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    """of the assignment: errand, job, hash, …"""
    runs: str = "training.run:main"

    @property
    def world_size(self) -> int:
        return len(self.data)

    def paths(self, rank: int) -> RunDir:
        return RunDir(self.home / f"device{rank}" / f"attempt{self.number}")

    def checkpoints(self, rank: int) -> Path:
        return self.home / f"device{rank}" / "checkpoints"

    def start(self) -> "Attempt":
        self.prepare()
        for rank in self.ranks:
            cores = sorted(os.sched_getaffinity(0))
            env = {**self.env, **self.env_of.get(rank, {})}
            starter = self.starter_of.get(rank, self.starter)
            starter.start(self.paths(rank).path, [cores[rank % len(cores)]], self.runs, **env)
        return self

    def prepare(self) -> None:
        """Write the assignments."""
        for rank, data in enumerate(self.data):
            number = {"attempt": self.number, "fence": self.number}
            job = self.spec_of.get(rank, self.spec)
            assigned(self.paths(rank).path, job, data, rank=rank, world_size=self.world_size, **number, **self.more)

    def go(self) -> "Attempt":
        doors = [self.paths(rank).path / "door.json" for rank in self.ranks]
        wait_until(lambda: all(door.exists() for door in doors), within=20, about="every rank tells its port")
        return self.let_go(read_json(doors[0]))

    def let_go(self, door: dict[str, Any]) -> "Attempt":
        for rank in self.ranks:
            directory = self.checkpoints(rank)
            directory.mkdir(parents=True, exist_ok=True)
            go = Go(
                rank=rank,
                world_size=self.world_size,
                rendezvous={"host": door["address"], "port": door["port"], "id": "test"},
                resume_step=self.resume_step,
                data_dir=str(self.data[rank]),
                model_dir=self.model_dir,
                checkpoints_dir=str(directory),
                interface=self.interface_of.get(rank, ""),
            )
            write_json(self.paths(rank).go, go.to_json())
        return self

    @property
    def ranks(self) -> range:
        return range(self.world_size)

    def again(self, resume_step: int, **changes: Any) -> "Attempt":
        """The next attempt of the same job on the same devices."""
        return replace(self, number=self.number + 1, resume_step=resume_step, **{"env": {}, "env_of": {}, **changes})

    def wait(self, within: float = 60) -> list[dict[str, Any]]:
        """The exit reports of all ranks; {} of one that left none."""
        for rank in self.ranks:
            ended = self.paths(rank).path / "ended.json"
            wait_until(ended.exists, within, about=f"rank {rank} ends\n{self.log(rank)}")
        return [read_json(self.paths(rank).exit) or {} for rank in self.ranks]

    def run(self, within: float = 60) -> list[dict[str, Any]]:
        return self.start().go().wait(within)

    def saved_by_all(self) -> list[int]:
        """Steps of checkpoints that lie on every device, in rising order."""
        return sorted(set.intersection(*(set(steps(self.checkpoints(rank))) for rank in self.ranks)))

    def want(self, word: str) -> None:
        for rank in self.ranks:
            aside = self.paths(rank).path / "wanted.new"
            aside.write_text(word)
            os.replace(aside, self.paths(rank).wanted)

    def signal(self, rank: int, number: signal.Signals) -> None:
        os.kill(read_json(self.paths(rank).path / "pids.json")["rank"], number)

    def step(self, rank: int) -> int:
        """As its sign of life says."""
        return (read_json(self.paths(rank).progress) or {"step": 0})["step"]

    def log(self, rank: int) -> str:
        path = self.paths(rank).log
        return path.read_text()[-2000:] if path.exists() else ""
