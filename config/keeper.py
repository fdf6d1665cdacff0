"""Keeps processes alive: starts them, restarts those that die, ends all of them in order."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

RESTART_AFTER_S = 1.0
LOG_LIMIT_BYTES = 20_000_000


@dataclass
class Part:
    """One process to keep: a command, or a function that starts it given its log file."""

    name: str
    command: list[str] = field(default_factory=list)
    start: Callable | None = None
    final_code: int | None = None
    """ended with this, it is not started again"""
    process: subprocess.Popen | None = None
    started_at: float = 0.0
    quick_deaths: int = 0


class NotReady(RuntimeError):
    """A part did not answer in time or died at every start."""


class Keeper:
    def __init__(self, logs: Path):
        self.logs = logs
        self.logs.mkdir(parents=True, exist_ok=True)
        self.parts: list[Part] = []
        self.failed = False
        self._stopping = threading.Event()

    def start(self, part: Part) -> None:
        self.parts.append(part)
        self._spawn(part)

    def stop(self) -> None:
        """Ask the keeper to end; a second time: at once."""
        if self._stopping.is_set():
            self._signal_all(signal.SIGKILL)
        self._stopping.set()

    def keep(self) -> None:
        """Restart what dies until `stop`."""
        while not self._stopping.wait(0.25):
            self.look()

    def look(self) -> None:
        """One look at every part; a dead one starts again after a second, slower when it dies at every start."""
        for part in list(self.parts):
            if part.process is None or part.process.poll() is None:
                continue
            if part.process.returncode == part.final_code:
                print(f"{part.name} has ended for good (log: {self._log(part)})", flush=True)
                self.parts.remove(part)
                continue
            lived = time.monotonic() - part.started_at
            part.quick_deaths = part.quick_deaths + 1 if lived < 10 else 0
            if lived < min(30, RESTART_AFTER_S * max(1, part.quick_deaths)):
                continue
            print(
                f"{part.name} ended with {part.process.returncode}; starting it again (log: {self._log(part)})",
                flush=True,
            )
            self._spawn(part)

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def _spawn(self, part: Part) -> None:
        part.started_at = time.monotonic()
        log_path = self._log(part)
        if log_path.exists() and log_path.stat().st_size > LOG_LIMIT_BYTES:
            log_path.replace(log_path.with_suffix(".old.log"))
        with open(log_path, "ab") as log:
            if part.start:
                part.process = part.start(log)
            else:
                part.process = subprocess.Popen(
                    part.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                    start_new_session=True, preexec_fn=die_with_parent,
                )  # fmt: skip

    def end(self, parts: list[Part], within: float) -> None:
        """TERM to those of `parts` that live, KILL to the session of what is left after `within` seconds."""
        alive = [part.process for part in parts if part.process is not None and part.process.poll() is None]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + within
        for process in alive:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill_session(process.pid)
                process.wait()

    def _signal_all(self, number: int) -> None:
        for part in self.parts:
            if part.process is not None and part.process.poll() is None:
                part.process.send_signal(number)

    def _log(self, part: Part) -> Path:
        return self.logs / f"{part.name}.log"


def wait_for(keeper: Keeper, answers: Callable[[], bool], within: float) -> None:
    """Look after the parts until `answers()`; raises NotReady with the place of the logs."""
    deadline = time.monotonic() + within
    while not answers():
        if keeper.stopping:
            raise KeyboardInterrupt
        if time.monotonic() > deadline:
            raise NotReady(f"not every part answered within {within:.0f} s; the logs are in {keeper.logs}")
        keeper.look()
        time.sleep(0.1)


def die_with_parent() -> None:
    """On Linux a part ends when the keeper is killed without a chance to clean up (PR_SET_PDEATHSIG = 1)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    except (OSError, AttributeError):
        return


def _kill_session(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
