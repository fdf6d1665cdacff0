"""Copies the checkpoints of a job to the server, so that one survives the host that made it (rule R10)."""

import contextlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from agent.backoff import Backoff
from agent.checkpoints import MANIFEST, manifest_files, newest_step
from agent.server import NoAnswer, Refused
from agent.situation import Situation
from agent.uploads import upload
from contract.run_dir import checkpoints_dir

LOOK_S = 0.5
REST_S = 10.0
"""Pause after a copy: a job that saves twice a second is not copied twice a second."""
log = logging.getLogger(__name__)


class CheckpointCopies(threading.Thread):
    """Rank 0 brings the newest checkpoint that is not there yet, beside the training. Others bring none."""

    def __init__(self, situation: Situation):
        super().__init__(name="checkpoint-copies", daemon=True)
        self.situation = situation
        self.server = situation.connect(timeout=30)
        self.directory = checkpoints_dir(situation.home.path, situation.assignment.job)
        self.copied = 0
        self.copying = threading.Lock()

    def run(self) -> None:
        backoff, situation = Backoff(), self.situation
        while situation.assignment.rank == 0 and not situation.rank_ended and not situation.over.wait(LOOK_S):
            try:
                if self.bring_newest():
                    backoff.reset()
                    self._wait(REST_S)
            except NoAnswer as silence:
                log.info("a checkpoint waits: %s", silence)
                self._wait(backoff.next())

    def bring_newest(self) -> bool:
        """Bring the newest checkpoint if it is not on the server. Raises NoAnswer: call again, it goes on."""
        with self.copying:
            step = newest_step(self.directory)
            if step <= self.copied:
                return False
            try:
                self._bring(step)
            except Refused as refusal:
                log.warning("the server does not take the checkpoint of step %s: %s", step, refusal)
            except FileNotFoundError:
                log.info("the checkpoint of step %s was pruned before it was copied", step)
                return False
            self.copied = step
            return True

    def _bring(self, step: int) -> None:
        with kept_while_copied(self.directory / f"step-{step}") as path:
            for file in [*manifest_files(path), {"name": MANIFEST}]:
                upload(self.server, self.situation.assignment, path / file["name"], "/agent/v1/checkpoints")

    def _wait(self, seconds: float) -> None:
        """Until then, or until the rank ends: what is newest then is brought by whoever concludes the run."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.situation.rank_ended:
            self.situation.over.wait(LOOK_S)


@contextlib.contextmanager
def kept_while_copied(path: Path) -> Iterator[Path]:
    """Where the files of a checkpoint are to be read: a second name of each, so that a rank that prunes the checkpoint
    meanwhile takes nothing away. Its name is that of a half-made one, which is cleared away if this process dies."""
    second = path.with_name(f"{path.name}.tmp-copy")
    shutil.rmtree(second, ignore_errors=True)
    second.mkdir()
    try:
        for file in path.iterdir():
            _name_twice(file, second / file.name)
        yield second
    finally:
        shutil.rmtree(second, ignore_errors=True)


def _name_twice(file: Path, second: Path) -> None:
    try:
        os.link(file, second)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links
        shutil.copyfile(file, second)
