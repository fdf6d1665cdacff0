"""Copies the checkpoints of a job to the server, so that one survives the host that made it (rule R10)."""

import logging
import threading

from agent.backoff import Backoff
from agent.checkpoints import MANIFEST, manifest_files, newest_step
from agent.server import NoAnswer, Refused
from agent.situation import Situation
from agent.uploads import upload
from contract.run_dir import checkpoints_dir

LOOK_S = 0.5
log = logging.getLogger(__name__)


class CheckpointCopies(threading.Thread):
    """Rank 0 brings the newest checkpoint that is not there yet, beside the training. Others bring none."""

    def __init__(self, situation: Situation):
        super().__init__(name="checkpoint-copies", daemon=True)
        self.situation = situation
        self.server = situation.connect(timeout=30)
        self.directory = checkpoints_dir(situation.home.path, situation.assignment.job)
        self.copied = 0

    def run(self) -> None:
        backoff = Backoff()
        while self.situation.assignment.rank == 0 and not self.situation.over.wait(LOOK_S):
            newest = newest_step(self.directory)
            if newest <= self.copied:
                continue
            try:
                self._copy(newest)
                self.copied = newest
                backoff.reset()
            except NoAnswer as silence:
                log.info("the checkpoint of step %s waits: %s", newest, silence)
                self.situation.over.wait(backoff.next())
            except Refused as refusal:
                log.warning("the server does not take the checkpoint of step %s: %s", newest, refusal)
                self.copied = newest
            except FileNotFoundError:
                log.info("the checkpoint of step %s was pruned before it was copied", newest)

    def _copy(self, step: int) -> None:
        path = self.directory / f"step-{step}"
        for file in [*manifest_files(path), {"name": MANIFEST}]:
            upload(self.server, self.situation.assignment, path / file["name"], "/agent/v1/checkpoints")
