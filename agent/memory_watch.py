"""Whether the kernel ended a process for want of memory: told by its counter, as the process itself cannot say it."""

import contextlib
import time
from pathlib import Path

LOOK_S = 1.0
PROC = Path("/proc")


class MemoryWatch:
    """Looks at the counter each second, so that a kill of something else long ago is not taken for this rank's."""

    def __init__(self) -> None:
        self.counts = [out_of_memory_kills()] * 2
        """of the look before the last, and of the last"""
        self.looked_at = time.monotonic()

    def look(self) -> None:
        """Called a few times a second while the rank lives."""
        if time.monotonic() - self.looked_at >= LOOK_S:
            self.counts = [self.counts[1], out_of_memory_kills()]
            self.looked_at = time.monotonic()

    def killed_just_now(self) -> bool:
        """Called when the rank is gone: whether the counter rose in the last second or two."""
        return out_of_memory_kills() > self.counts[0]


def out_of_memory_kills() -> int:
    """How often the kernel ended a process for want of memory: in this control group where it counts, else anywhere."""
    group = ""
    with contextlib.suppress(OSError):
        for line in (PROC / "self/cgroup").read_text(encoding="ascii").splitlines():
            if line.startswith("0::"):
                group = line.removeprefix("0::")
    for path in (Path(f"/sys/fs/cgroup{group}/memory.events"), PROC / "vmstat"):
        with contextlib.suppress(OSError, ValueError):
            for line in path.read_text(encoding="ascii").splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0
