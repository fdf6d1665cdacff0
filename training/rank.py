"""What every part of a rank's run holds: its assignment, its reporter, its sign of life, its orders, its device."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import torch

from contract import logs
from contract.agent_calls import Assignment, ExitReport, Go
from contract.run_dir import RunDir, read_json, write_json
from training.devices import choose_device, make_deterministic, take_cores
from training.failures import CANCELLED, DRAINED, Ending
from training.lifeline import Lifeline, Terminated
from training.memory_bound import keep_to_setting
from training.orders import Orders
from training.progress import SignOfLife
from training.reporter import Reporter, SilentReporter

WAIT_FOR_GO_S = 0.005
EXIT_CODES = {"succeeded": 0, "drained": 0, "cancelled": 0, "failed": 1}


class Rank:
    """One rank of one attempt (or of an errand), alive from `begin` to `leave`."""

    def __init__(self, paths: RunDir):
        self.paths = paths
        self.assignment = Assignment.from_json(read_json(paths.assignment))
        self.spec: dict[str, Any] = self.assignment.spec
        self.reporter = SilentReporter() if self.assignment.errand else Reporter(paths.spool)
        self.sign = SignOfLife(paths.progress)
        self.orders = Orders(paths.wanted)
        self.lifeline = Lifeline.from_environment()
        self.device = torch.device("cpu")
        self.failed_with: BaseException | None = None

    @classmethod
    def begin(cls, run_dir: str) -> "Rank":
        """Read the assignment, listen to the supervisor, take the device."""
        rank = cls(RunDir(Path(run_dir)))
        logs.set_up("rank", device=os.environ.get("FLEETUNE_DEVICE"), **rank.assignment.ids)
        rank.lifeline.watch(on_term=rank._end_stuck, on_lost=rank.reporter.flush)
        take_cores()
        rank.device = choose_device()
        keep_to_setting(rank.device)
        make_deterministic(rank.device)
        return rank

    def wait_for_go(self) -> Go | Ending:
        """Everything is bound and told: wait until the supervisor lets us go, or wants us to end."""
        while not self.paths.go.exists():
            word = self.orders.word()
            if word != "run":
                return CANCELLED if word == "cancel" else DRAINED
            self.sign.touch()
            self.lifeline.heard_go(WAIT_FOR_GO_S)
        return Go.from_json(read_json(self.paths.go))

    def still_waiting(self) -> None:
        """A sign of life while others are awaited. Raises Terminated when we are to end."""
        self.sign.touch()
        if self.orders.word() != "run":
            raise Terminated(self.orders.word())

    def still_here(self) -> None:
        """The same between parts of the work that comes after training: a drain lets that finish."""
        self.sign.touch()
        if self.orders.word() == "cancel":
            raise Terminated("cancel")

    def leave(self, ending: Ending) -> NoReturn:
        """The last words, in this order: what was reported, then the exit report. Then the process is gone at once.

        No destructor runs: torch's reducer has been seen to wait for ever in its own.
        """
        self.lifeline.let_go()
        self.reporter.close()
        self._write_exit(ending)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(EXIT_CODES[ending.outcome])

    def _write_exit(self, ending: Ending) -> None:
        report = ExitReport(
            kind=self.assignment.kind,
            id=self.assignment.id,
            fence=self.assignment.fence,
            outcome=ending.outcome,
            reason=str(ending.reason),
            params=ending.params,
            exit_code=EXIT_CODES[ending.outcome],
            last_batch=self.reporter.last_batch,
            answer=ending.answer,
        )
        write_json(self.paths.exit, asdict(report))

    def _end_stuck(self) -> None:
        """SIGTERM came and the main thread does not hear it, so that the watching thread speaks for it."""
        self.reporter.flush()
        wanted = self.orders.latest()
        stuck = Ending("failed", "killed", {"rank": self.assignment.rank, "detail": "terminated while it waited"})
        self._write_exit({"cancel": CANCELLED, "stop": CANCELLED, "drain": DRAINED}.get(wanted, stuck))
