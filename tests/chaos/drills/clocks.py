"""Wall clocks that jump while a job trains: libfaketime under server, control, broker and agents."""

import os
from pathlib import Path

from tests.chaos.drills.fleet import Fleet

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
JUMPS_S = (3600, -3600, 86_400, -86_400)


def environment(home: Path) -> dict[str, str]:
    """What lets a test set the wall clock of every process that is started with it; monotonic time stays true."""
    assert Path(LIBRARY).exists(), "install libfaketime: apt-get install libfaketime"
    stamp = home.with_name(home.name + ".faketime")
    stamp.write_text("+0s\n")
    return {
        "LD_PRELOAD": LIBRARY,
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def jump(fleet: Fleet, times: int, seconds: float) -> None:
    """An hour or a day ahead and back: no lease ends, the same ranks train on, the job ends as ever."""
    stamp = Path(fleet.stack.environment["FAKETIME_TIMESTAMP_FILE"])
    job = fleet.train(30 * times)
    pids = [rank["pid"] for rank in fleet.attempt(job)["ranks"]]
    offset = 0
    for turn in range(times):
        offset += JUMPS_S[turn % len(JUMPS_S)]
        aside = stamp.with_suffix(".new")
        aside.write_text(f"{offset:+d}s\n")
        os.replace(aside, stamp)
        step = fleet.step(job)
        fleet.pass_(20)
        attempt = fleet.attempt(job)
        assert attempt["number"] == 1 and [rank["pid"] for rank in attempt["ranks"]] == pids, attempt
        print(f"  the clock is {offset:+d} s off: same ranks, {fleet.step(job) - step} steps further", flush=True)
    ended = fleet.until_it_ends(job)
    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1), ended["end_reason"]
    fleet.points_are_whole(job)
    print(f"F37: {times} jumps of server and agents by an hour and by a day: 0 leases ended, 0 jobs changed")
