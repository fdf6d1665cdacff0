"""Makes one fault of `docs/reliability.md` on a whole Fleetune, as often or as long as one says, and prints figures.

make chaos ONLY=F04 N=30
make chaos ONLY=F25 SECONDS=600
"""

import argparse
import secrets
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests import hosts
from tests.chaos.drills import DRILLS, Drill, clocks, network
from tests.chaos.drills.fleet import Fleet
from tests.chaos.roles import living
from tests.e2e.stack import Stack


def drill(name: str, home: Path, times: int = 0, seconds: float = 0, seed: int = 0) -> None:
    """Raises AssertionError. Leaves no process, and `home` for whoever wants to look."""
    with ExitStack() as afterwards:
        what, there = DRILLS[name], []
        more = {"FLEETUNE_CPU_DEVICES": str(what.devices)}
        if name == "F37":
            more |= clocks.environment(home)
        if what.hosts:
            between = afterwards.enter_context(hosts.network(network.SUBNET, what.hosts))
            more, there = more | network.environment(between.here), between.hosts
        _drill(what, Fleet(Stack(home, demo=False, **more), seed, there), times, seconds)
    print(f"{name}: 0 violations of a promise, 0 processes left", flush=True)


def _drill(what: Drill, fleet: Fleet, times: int, seconds: float) -> None:
    try:
        what.run(fleet.begin(), times or what.times, seconds or what.seconds)
        fleet.promises_hold()
        fleet.stack.stop(within=60)
        assert fleet.stack.living() == [] and not living(fleet.stack)["broker"]
    finally:
        fleet.stack.stop(within=60)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("only", choices=sorted(DRILLS))
    parser.add_argument("--times", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="fleetune-drill-")) / "home"
    print(f"{options.only}, again with SEED={options.seed}", flush=True)
    try:
        drill(options.only, home, options.times, options.seconds, options.seed)
    except AssertionError:
        print(f"failed with SEED={options.seed}; what it left is in {home}", file=sys.stderr, flush=True)
        raise
    shutil.rmtree(home.parent, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
