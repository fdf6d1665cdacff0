"""`make test`: lint, the fast tests, and those with real processes and browsers, three runs at a time.

More at once only take each other's processor, measured on two cores; fewer leave it idle while one waits. Each run
tells what it found when it ends.
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REAL = "integration or browser or netns"
AT_ONCE = 3
ENVIRONMENT = os.environ | {"FLEETUNE_TEST_PATIENCE": str(AT_ONCE)}
SHARE_A_DEMO = [f"tests/e2e/test_{name}.py" for name in ("demo", "own_data", "results")]
SHARE_A_QUIET_ONE = [f"tests/e2e/test_{name}.py" for name in ("data_in_a_browser", "tasks")]
LATE_IN_TRAINING = "tests/training/test_[n-z]*.py"
RUNS = [
    SHARE_A_DEMO,
    ["tests/e2e", *(f"--ignore={name}" for name in SHARE_A_DEMO + SHARE_A_QUIET_ONE)],
    ["tests/pages"],
    [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob(LATE_IN_TRAINING))],
    ["tests/training", f"--ignore-glob={ROOT / LATE_IN_TRAINING}"],
    SHARE_A_QUIET_ONE,
    ["tests/agent", "tests/chaos"],
    ["tests", *(f"--ignore=tests/{name}" for name in ("training", "pages", "e2e", "agent", "chaos"))],
]
"""the longest first"""
NO_TESTS = 5
"""exit status of pytest"""


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    fast = _pytest("-n", "2", "--dist", "loadfile", "-m", f"not ({REAL})", *arguments)
    real = [_pytest("-m", REAL, *words, *arguments) for words in RUNS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failed = list(chain(*pool.map(_run, [fast, [sys.executable, "-m", "tests.lint"], *real])))
    print("".join(f"{line}\n" for line in failed) + f"make test took {time.monotonic() - began:.0f} s", flush=True)
    return 1 if failed else 0


def _pytest(*words: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", *words]


def _run(command: list[str]) -> list[str]:
    """A line for each thing that failed. What it said is printed when it ends; no test of its kind is no failure."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    name = " ".join(command[2:])
    sys.stdout.buffer.write(f"== {name}: {time.monotonic() - began:.0f} s\n".encode() + done.stdout)
    sys.stdout.flush()
    if done.returncode in (0, NO_TESTS):
        return []
    return re.findall(r"^(?:FAILED|ERROR) .*", done.stdout.decode(errors="replace"), re.MULTILINE) or [f"FAILED {name}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
