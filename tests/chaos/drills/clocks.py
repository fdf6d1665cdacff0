"""Wall clocks that jump while a job trains: `wall_clock.c` is preloaded under server, control, broker and agents."""

import struct
import subprocess
from pathlib import Path

from tests.chaos.drills.fleet import Fleet

SOURCE = Path(__file__).with_name("wall_clock.c")
OFFSET = "WALL_CLOCK_FILE"
JUMPS_S = (3600, -3600, 86_400, -86_400)


def environment(home: Path) -> dict[str, str]:
    """What lets a test set the wall clock of every process that is started with it. Needs a C compiler."""
    library, offset = home.with_name("wall_clock.so"), home.with_name("offset")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)], check=True)
    _set(offset, 0)
    return {"LD_PRELOAD": str(library), OFFSET: str(offset)}


def _set(offset: Path, seconds: int) -> None:
    """In place: every process has the file mapped."""
    with open(offset, "r+b" if offset.exists() else "wb") as file:
        file.write(struct.pack("q", seconds))


def jump(fleet: Fleet, times: int, seconds: float) -> None:
    """An hour or a day ahead and back: no lease ends, the same ranks train on, the job ends as ever."""
    job = fleet.train_until(40 * times)
    pids = [rank["pid"] for rank in fleet.attempt(job)["ranks"]]
    offset = 0
    for turn in range(times):
        offset += JUMPS_S[turn % len(JUMPS_S)]
        _set(Path(fleet.stack.environment[OFFSET]), offset)
        step = fleet.step(job)
        fleet.pass_(20)
        attempt = fleet.attempt(job)
        assert attempt["number"] == 1 and [rank["pid"] for rank in attempt["ranks"]] == pids, attempt
        print(f"  the clock is {offset:+d} s off: same ranks, {fleet.step(job) - step} steps further", flush=True)
    ended = fleet.until_it_ends(job)
    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1), ended["end_reason"]
    fleet.points_are_whole(job)
    print(f"F37: {times} jumps of server and agents by an hour and by a day: 0 leases ended, 0 jobs changed")
