"""`make test`: lint, then the fast tests on every core, then those with real processes and browsers.

The latter wait more than they compute, so two streams of them run side by side; whole Fleetunes come last, alone.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from tests import lint

ROOT = Path(__file__).resolve().parent.parent
REAL = "integration or browser or netns"
WHOLE = ("tests/e2e", "tests/chaos")
RANKS = ("tests/training", "tests/agent")
NO_TESTS = 5
"""exit status of pytest"""


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    failed = lint.main()
    failed |= _end(_pytest("-n", "2", "--dist", "loadfile", "-m", f"not ({REAL})", *arguments))
    rest = [f"--ignore={name}" for name in (*WHOLE, *RANKS)]
    with tempfile.TemporaryFile() as told:
        ranks = _pytest("-m", REAL, *RANKS, *arguments, output=told)
        failed |= _end(_pytest("-m", REAL, "tests", *rest, *arguments))
        failed |= _end(ranks)
        told.seek(0)
        sys.stdout.buffer.write(told.read())
        sys.stdout.flush()
    failed |= _end(_pytest("-m", REAL, *WHOLE, *arguments))
    print(f"make test took {time.monotonic() - began:.0f} s", flush=True)
    return 1 if failed else 0


def _pytest(*words: str, output: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """A run of its own; what it says goes to `output`, or is seen at once."""
    return subprocess.Popen([sys.executable, "-m", "pytest", "-q", *words], cwd=ROOT, stdout=output)


def _end(run: "subprocess.Popen[bytes]") -> bool:
    """Wait for it; whether anything failed. That no test is of its kind is no failure."""
    return run.wait() not in (0, NO_TESTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
