"""The bounded queue between the channel layer and one socket: a stalled reader costs this much memory and no more."""

from collections import deque
from typing import Any

from jobs.frames import Message

MAX_FRAMES = 256
MAX_BYTES = 1024 * 1024
BYTES_A_POINT = 60
BYTES_A_LINE = 100
BYTES_A_STATE = 8 * 1024


class Outbox:
    """Frames in order of `first_seq`. When it is full it is emptied and remembers that there is a gap."""

    def __init__(self) -> None:
        self.frames: deque[Message] = deque()
        self.bytes = 0
        self.gap = False

    def put(self, frame: Message) -> None:
        self.bytes += weight(frame)
        self.frames.append(frame)
        if len(self.frames) > MAX_FRAMES or self.bytes > MAX_BYTES:
            self.clear()
            self.gap = True

    def take_after(self, last: int) -> tuple[list[Message], int]:
        """Take the frames that follow `last` without a gap, and the number they reach; older ones are dropped."""
        waiting = sorted(self.frames, key=lambda frame: frame["first_seq"])
        taken, reached = [], last
        for index, frame in enumerate(waiting):
            if frame["first_seq"] > reached + 1:
                self._keep(waiting[index:])
                return taken, reached
            if frame["seq"] > last:
                taken.append(frame)
                reached = max(reached, frame["seq"])
        self._keep([])
        return taken, reached

    def clear(self) -> None:
        self._keep([])

    def _keep(self, frames: list[Message]) -> None:
        self.frames = deque(frames)
        self.bytes = sum(weight(frame) for frame in frames)


def weight(frame: dict[str, Any]) -> int:
    """About how many bytes a frame takes."""
    if frame["type"] == "points":
        return BYTES_A_POINT * sum(len(series["steps"]) for series in frame["series"])
    if frame["type"] == "log":
        return sum(BYTES_A_LINE + len(line["text"]) for line in frame["lines"])
    return BYTES_A_STATE
