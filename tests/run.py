"""`make test`: lint, the fast tests, and those with real processes and browsers, three runs at a time.

More at once only take each other's processor, measured on two cores; fewer leave it idle while one waits. Each run
tells what it found when it ends. The few tests that failed beside two other runs are tried once more with nothing
beside them and count as they end then; the last lines name them either way (decision 041).
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REAL = "integration or browser or netns"
AT_ONCE = 3
ENVIRONMENT = os.environ | {"FLEETUNE_TEST_PATIENCE": str(AT_ONCE)}
SHARE_A_DEMO = [f"tests/e2e/test_{name}.py" for name in ("demo", "own_data", "results")]
SHARE_A_QUIET_ONE = [f"tests/e2e/test_{name}.py" for name in ("data_in_a_browser", "tasks")]
LATE_IN_TRAINING = "tests/training/test_[n-z]*.py"
LINT = [sys.executable, "-m", "tests.lint"]
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
FEW = 12
"""tests; one fixture that did not come up fails all that share it"""
WHAT_FAILED = ["--last-failed", "--last-failed-no-failures=none"]


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    fast = _pytest("fast", "-n", "2", "--dist", "loadfile", "-m", f"not ({REAL})", *arguments)
    real = [_pytest(f"real{place}", "-m", REAL, *words, *arguments) for place, words in enumerate(RUNS)]
    runs = [fast, LINT, *real]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failed = dict(zip(map(tuple, runs), pool.map(_failures, runs), strict=True))
    if failed[tuple(LINT)] or sum(map(len, failed.values())) > FEW:
        lasting = [line for lines in failed.values() for line in lines]
    else:
        lasting = [line for run, lines in failed.items() if lines for line in _tried_again(list(run), lines)]
    print("".join(f"{line}\n" for line in lasting) + f"make test took {time.monotonic() - began:.0f} s", flush=True)
    return 1 if lasting else 0


def _pytest(name: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir=.pytest_cache/{name}", *words]


def _failures(command: list[str]) -> list[str]:
    """A line for each thing that failed. No test of a kind is no failure."""
    status, printed = _run(command)
    if status in (0, NO_TESTS):
        return []
    return re.findall(r"^(?:FAILED|ERROR) .*", printed, re.MULTILINE) or [f"FAILED {' '.join(command[2:])}"]


def _tried_again(command: list[str], failed: list[str]) -> list[str]:
    """What of `failed` fails with nothing beside it too."""
    status, printed = _run([*command, *WHAT_FAILED])
    if status == 0:
        print("".join(f"passed alone, not beside other runs: {line}\n" for line in failed), end="")
        return []
    return re.findall(r"^(?:FAILED|ERROR) .*", printed, re.MULTILINE) or failed


def _run(command: list[str]) -> tuple[int, str]:
    """Exit status and output, which is shown when it ends."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    sys.stdout.buffer.write(f"== {' '.join(command[2:])}: {time.monotonic() - began:.0f} s\n".encode() + done.stdout)
    sys.stdout.flush()
    return done.returncode, done.stdout.decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
