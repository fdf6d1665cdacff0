"""`make test`: lint, then the fast tests on every core, then those with real processes and browsers in turn."""

import subprocess
import sys
import time
from pathlib import Path

from tests import lint

ROOT = Path(__file__).resolve().parent.parent
REAL = "integration or browser or netns"


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    failed = lint.main()
    for words in (["-n", "2", "--dist", "loadfile", "-m", f"not ({REAL})"], ["-m", REAL]):
        failed |= subprocess.run([sys.executable, "-m", "pytest", "-q", *words, *arguments], cwd=ROOT).returncode
    print(f"make test took {time.monotonic() - began:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
