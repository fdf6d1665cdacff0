"""Brings what a rank needs onto the device (data, base model, checkpoint) and then lets it go: `go.json`."""

import logging
import os
import socket
import threading
from functools import partial
from pathlib import Path
from typing import Any

from agent.backoff import Backoff
from agent.data_cache import mark_used
from agent.downloads import Spoilt, fetch_directory
from agent.fabric import interface_of
from agent.server import NoAnswer, Refused
from agent.situation import Situation
from contract.agent_calls import Go
from contract.faults import fault
from contract.reasons import EndReason
from contract.run_dir import checkpoints_dir, write_json

POLL_S = 0.02
log = logging.getLogger(__name__)


class Inputs(threading.Thread):
    """Ends after `go.json` is written, or with `failure` (an end reason and its parameters) when it cannot be."""

    def __init__(self, situation: Situation, channel: socket.socket):
        super().__init__(name="inputs", daemon=True)
        self.situation, self.channel = situation, channel
        self.server = situation.connect(timeout=30)
        self.failure: tuple[str, dict[str, Any]] | None = None
        self.gone = False

    def run(self) -> None:
        try:
            data = [self._fetch("preparing_data", partial(self._data, named)) for named in self._named_data()]
            model = self._fetch("preparing_data", self._model)
            while self.situation.rendezvous is None and not self._ending():
                self.situation.meeting_known.wait(POLL_S)
            if not self._ending():
                self._fetch("preparing_data", self._checkpoint)
                self._go(data, model)
        except (Spoilt, Refused, ValueError, KeyError) as error:
            self.failure = (EndReason.BAD_DATA, {"detail": str(error)})
        except OSError as error:
            self.failure = (EndReason.NO_SPACE, {"detail": str(error)})
        except _Ended:
            log.info("nothing more is fetched: the rank is to end")

    def _fetch(self, activity: str, part) -> str:
        """Run one part until it is there, however often the server goes away meanwhile."""
        backoff, situation = Backoff(), self.situation
        situation.activity = activity
        try:
            while not self._ending():
                try:
                    return part()
                except NoAnswer as silence:
                    log.info("fetching waits: %s", silence)
                    situation.over.wait(backoff.next())
            raise _Ended
        finally:
            situation.activity, situation.progress = "", 0.0

    def _named_data(self) -> list[dict[str, Any]]:
        assignment = self.situation.assignment
        return [assignment.data, *assignment.more_data]

    def _data(self, data: dict[str, Any]) -> str:
        if not data:
            return ""
        target = self.situation.home.data_dir(data["hash"])
        if target.is_dir():
            mark_used(target)
            return str(target)
        return str(fetch_prepared(self.situation, self.server, data, self._show))

    def _model(self) -> str:
        """A registered model has a hash and is kept for the next job; a job's result is fetched for this run."""
        situation, model = self.situation, self.situation.assignment.model
        files, content_hash = model.get("files", []), os.path.basename(model.get("hash", ""))
        if not files:
            return ""
        target = situation.home.model_dir(content_hash) if content_hash else situation.run.path / "model"
        if target.is_dir():
            mark_used(target)
            return str(target)
        shared = on_this_host(situation, "models", content_hash) if content_hash else None
        fetched = fetch_directory(
            self.server, "/agent/v1/models", files, target, on_this_host=shared, on_bytes=self._show
        )
        return str(fetched)

    def _checkpoint(self) -> str:
        situation = self.situation
        step, files = situation.resume_step, situation.checkpoint.get("files", [])
        directory = checkpoints_dir(situation.home.path, situation.assignment.job)
        target = directory / f"step-{step}"
        if not step or target.is_dir():
            return ""
        if not files:
            raise ValueError(f"checkpoint of step {step} is not on this device and the server named no files of it")
        ordered = sorted(files, key=lambda file: file["name"] == "manifest.json")
        return str(fetch_directory(self.server, "/agent/v1/checkpoints", ordered, target, on_bytes=self._show))

    def _go(self, data: list[str], model: str) -> None:
        situation, assignment = self.situation, self.situation.assignment
        checkpoints = checkpoints_dir(situation.home.path, assignment.job)
        if assignment.kind != "attempt":
            checkpoints = situation.run.path / "checkpoints"
        checkpoints.mkdir(parents=True, exist_ok=True)
        go = Go(
            rank=assignment.rank,
            world_size=assignment.world_size,
            rendezvous=situation.rendezvous or {},
            resume_step=situation.resume_step or 0,
            data_dir=data[0],
            more_data_dirs=data[1:],
            model_dir=model,
            checkpoints_dir=str(checkpoints),
            interface=interface_of(situation.address),
        )
        fault("supervisor.before_go")
        write_json(situation.run.go, go.to_json())
        self.gone = True
        try:
            self.channel.sendall(b"go\n")
        except OSError as error:
            log.info("the rank does not listen any more: %s", error)

    def _show(self, done: int, total: int) -> None:
        self.situation.progress = done / total if total else 1.0
        self.situation.changed.set()
        if self._ending():
            raise _Ended

    def _ending(self) -> bool:
        situation = self.situation
        return situation.over.is_set() or situation.rank_ended or situation.wanted != "run"


class _Ended(Exception):
    """The rank ends before its inputs were complete."""


def fetch_prepared(situation_or_agent, server, data: dict[str, Any], on_bytes=lambda done, total: None) -> Path:
    """Make prepared data lie on this device; its directory. Needs `.home` and `.device` of its first argument."""
    manifest = data["manifest"]
    return fetch_directory(
        server,
        "/agent/v1/data",
        manifest["files"],
        situation_or_agent.home.data_dir(os.path.basename(data["hash"])),
        manifest=manifest,
        on_this_host=on_this_host(situation_or_agent, "prepared", data["hash"]),
        on_bytes=on_bytes,
    )


def on_this_host(situation_or_agent, folder: str, content_hash: str) -> Path | None:
    """Where the server keeps such a directory itself; None when it is another host."""
    server_home = situation_or_agent.device.server_home
    return Path(server_home) / folder / content_hash if server_home else None
