"""What the server wants of this rank, from the file `wanted`: run, drain, cancel or stop."""

import os
import time
from pathlib import Path

from training.lifeline import Terminated

LOOK_EVERY_S = 0.1


class Orders:
    """`word()` is asked once a step and reads the file at most each LOOK_EVERY_S, and only when it has changed."""

    def __init__(self, path: Path):
        self._path = path
        self._word = "run"
        self._looked_at = 0.0
        self._changed_at = 0

    def word(self) -> str:
        """run, drain or cancel. Raises Terminated for `stop`: the lease is lost, nobody waits for us."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._look()
        if self._word == "stop":
            raise Terminated("stop")
        return self._word

    def latest(self) -> str:
        """The word as it is in the file at this moment, `stop` included."""
        self._look()
        return self._word

    def _look(self) -> None:
        try:
            changed_at = os.stat(self._path).st_mtime_ns
        except FileNotFoundError:
            return
        if changed_at != self._changed_at:
            self._word = self._path.read_text(encoding="utf-8").strip() or "run"
            self._changed_at = changed_at
