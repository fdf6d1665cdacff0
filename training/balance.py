"""Who gets how much of a batch: shares by measured speed, tried, and kept only when steps really became shorter.

Speeds alone would deceive. A device that is allowed half a core, or shares one with another process, computes at full
speed as long as it rests in between: given less it looks fast, given more it is slow again, and shares that follow the
clock swing to and fro. So each change is a trial of one window, judged by what a sample of the global batch took then.
"""

from dataclasses import dataclass

WINDOW_STEPS = 10
WINDOW_S = 0.5
"""a window has at least both: a CPU quota is counted in periods of 0.1 s"""
GAIN = 0.05
"""of the time of a step: what a trial has to promise, and half of it what it has to keep"""
RAISED_BY = 0.5
"""of the way that speeds say, for a rank that was given less before"""
WORSE = 0.15
"""from which a pace is another one, so that what failed may be tried again"""
PATIENCE, LONGEST_PATIENCE = 4, 64
"""windows after a trial that failed; doubled with each"""


@dataclass
class Window:
    """Sums over steps."""

    seconds: float
    samples: int
    busy: list[float]
    """seconds that each rank read and computed"""
    counts: list[int]
    """samples of each rank"""
    steps: int = 0

    @classmethod
    def empty(cls, ranks: int) -> "Window":
        return cls(0.0, 0, [0.0] * ranks, [0] * ranks)

    def add(self, busy: list[float], step_seconds: float, counts: list[int]) -> None:
        self.steps += 1
        self.seconds += step_seconds
        self.samples += sum(counts)
        self.busy = [before + now for before, now in zip(self.busy, busy, strict=True)]
        self.counts = [before + now for before, now in zip(self.counts, counts, strict=True)]

    @property
    def is_full(self) -> bool:
        return self.steps >= WINDOW_STEPS and self.seconds >= WINDOW_S and all(self.counts)

    @property
    def pace(self) -> float:
        """Seconds a sample of the global batch."""
        return self.seconds / self.samples

    @property
    def speeds(self) -> list[float]:
        """Samples a second of each rank while it works."""
        return [count / busy for count, busy in zip(self.counts, self.busy, strict=True)]


class Balance:
    """All ranks hear the same numbers and so decide the same at the same step."""

    def __init__(self, ranks: int):
        self._ranks = ranks
        self._window = Window.empty(ranks)
        self._before: tuple[list[float], float] | None = None
        """shares and pace before the trial that is going on"""
        self._kept_pace = 0.0
        """of the shares that are not on trial, when they were last judged"""
        self._rest, self._patience = 0, PATIENCE
        self._fresh = True
        """the first step with new shares still waits for the old ones"""

    def hear(self, busy: list[float], step_seconds: float, counts: list[int]) -> None:
        """Seconds that each rank worked in a step of so many seconds and samples."""
        if self._fresh:
            self._fresh = False
        else:
            self._window.add(busy, step_seconds, counts)

    def better(self, shares: list[float]) -> list[float] | None:
        """Other shares for the next step, once a window is full and they promise a gain; or those before a trial that
        failed."""
        window = self._window
        if not window.is_full:
            return None
        self._window = Window.empty(self._ranks)
        if self._before:
            return self._judged(window)
        self._look(window)
        if self._rest > 0:
            self._rest -= 1
            return None
        wanted = self._wanted(window, shares)
        if wanted:
            self._before, self._fresh = (list(shares), window.pace), True
        return wanted

    def _judged(self, window: Window) -> list[float] | None:
        """The shares to go back to when the trial did not shorten the steps."""
        shares, pace = self._before or ([], 0.0)
        self._before = None
        if window.pace < pace * (1 - GAIN / 2):
            self._kept_pace, self._patience = window.pace, PATIENCE
            return None
        self._rest, self._patience = self._patience, min(2 * self._patience, LONGEST_PATIENCE)
        self._fresh = True
        return shares

    def _look(self, window: Window) -> None:
        """A device became slower or faster: what was learnt about trials holds no longer."""
        kept = self._kept_pace or window.pace
        if abs(window.pace - kept) > WORSE * kept:
            self._rest, self._patience, kept = 0, PATIENCE, window.pace
        self._kept_pace = kept

    def _wanted(self, window: Window, shares: list[float]) -> list[float] | None:
        speeds = window.speeds
        even = 1 / self._ranks
        wanted = [speed / sum(speeds) for speed in speeds]
        if any(old < even and new > old for new, old in zip(wanted, shares, strict=True)):
            wanted = [old + RAISED_BY * (new - old) for new, old in zip(wanted, shares, strict=True)]
        now, then = (self._longest(each, speeds) for each in (shares, wanted))
        return wanted if then < (1 - GAIN) * now else None

    @staticmethod
    def _longest(shares: list[float], speeds: list[float]) -> float:
        return max(share / speed for share, speed in zip(shares, speeds, strict=True))
