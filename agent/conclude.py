"""The end of an attempt on a device, told in the right order: by its supervisor, or by the agent when that is gone."""

import dataclasses
import logging
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from agent.server import Refused, Server
from agent.uploads import upload
from contract.agent_calls import Assignment, ExitReport
from contract.reasons import EndReason
from contract.run_dir import RunDir, read_json, write_json

T = TypeVar("T")
SETTLED = "settled.json"
REPORT = "report.json"
PREDICTION = "predict"
log = logging.getLogger(__name__)


class Deliver(Protocol):
    """Brings the rest of the spool within so many seconds (None: however long it takes); True when all is stored."""

    def __call__(self, within: float | None) -> bool: ...


@dataclasses.dataclass
class Conclusion:
    """`patiently` runs one call again until the server answers, or raises NoAnswer when it may not wait."""

    server: Server
    assignment: Assignment
    run: RunDir
    deliver: Deliver
    last_batch: int
    patiently: Callable[[Callable[[], Any]], Any] = lambda call: call()
    on_bytes: Callable[[int, int], None] = lambda done, total: None
    told: bool = False

    def tell(self, report: ExitReport) -> None:
        """A success is told once everything that it promises is on the server; any other end at once.

        Raises NoAnswer; the report then lies in `report.json` for whoever tells it later. A refusal settles the run
        too: nobody waits for it any more.
        """
        _sweep(self.run)
        write_json(self.run.path / REPORT, report.to_json())
        if report.outcome == "succeeded":
            self.deliver(None)
            report = self._with_artifacts(report)
        elif not self.deliver(0.3):
            self._exit(report, gone=False)
            self.deliver(None)
        self._exit(report, gone=True)
        write_json(self.run.path / SETTLED, {"at": time.time(), "outcome": report.outcome, "reason": report.reason})
        if self.assignment.errand.get("kind") == PREDICTION:
            _forget(self.run)

    def _with_artifacts(self, report: ExitReport) -> ExitReport:
        files = sorted(path for path in self.run.artifacts.rglob("*") if path.is_file())
        for path in files:
            try:
                self.patiently(partial(upload, self.server, self.assignment, path, on_bytes=self.on_bytes))
            except Refused as refusal:
                log.error("%s could not be brought to the server: %s", path.name, refusal)
                if refusal.not_ours or refusal.revoked:
                    return report
                params = {"what": path.name, "detail": refusal.detail, "rank": self.assignment.rank}
                return dataclasses.replace(
                    report, outcome="failed", reason=EndReason.STORAGE_UNAVAILABLE, params=params
                )
        return report

    def _exit(self, report: ExitReport, gone: bool) -> None:
        report = dataclasses.replace(report, gone=gone, last_batch=self.last_batch)
        try:
            self.patiently(lambda: self.server.post("/agent/v1/exit", report))
        except Refused as refusal:
            log.info("the exit report is not wanted any more: %s", refusal)


def _sweep(run: RunDir) -> None:
    """Away with what the rank was writing when it was killed; what this process writes meanwhile stays."""
    for path in run.path.rglob("*.tmp-*"):
        if path.is_file() and not path.name.endswith(f".tmp-{os.getpid()}"):
            path.unlink(missing_ok=True)


def _forget(run: RunDir) -> None:
    """What somebody tried a model on, and its answer, are nobody's business once they are told."""
    for path in (run.assignment, run.exit, run.path / REPORT):
        path.unlink(missing_ok=True)
    shutil.rmtree(run.path / "model", ignore_errors=True)


def untold_report(run: RunDir) -> ExitReport | None:
    """What the supervisor found out about the end, and may not have told."""
    body = read_json(run.path / REPORT)
    return ExitReport.from_json(body) if body else None


def is_settled(run: RunDir) -> bool:
    """Everything about this run was told, and nothing of it is left to do."""
    return (run.path / SETTLED).exists()


def settled_at(run: RunDir) -> float | None:
    """Unix time, None while it is not settled."""
    body = read_json(run.path / SETTLED)
    return float(body["at"]) if body else None


def mark_settled(run: RunDir, why: str) -> None:
    """Leave this run alone from now on."""
    _sweep(run)
    write_json(run.path / SETTLED, {"at": time.time(), "outcome": "", "reason": why})
