"""`make lint`: everything that reads the code without running it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = [
    [str(BIN / "ruff"), "check", "."],
    [str(BIN / "ruff"), "format", "--check", "."],
    [str(BIN / "lint-imports")],
    [str(BIN / "mypy")],
    [str(BIN / "djlint"), "templates", "--lint", "--quiet"],
]


def main() -> int:
    failed = 0
    for command in CHECKS:
        print("==", Path(command[0]).name, *command[1:], flush=True)
        failed |= subprocess.run(command, cwd=ROOT).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
