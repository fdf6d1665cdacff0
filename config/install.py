"""Set-up with nothing but Python 3.11: virtual environment and pinned dependencies, repeatable and interruptible.

Run as a script (`make setup`); standard library only, since nothing else is there yet.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED_GIB = 4
"""The environment takes 2.3 GB on Linux without a GPU; pip needs room to unpack beside it."""
SAY_EVERY_S = 4


class CannotSetUp(Exception):
    """One sentence: what is missing and what to do."""


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    try:
        check_python()
        install(["test"] if "--test" in arguments else [], began)
    except CannotSetUp as why:
        print(f"Fleetune cannot be set up: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up was interrupted. Run the same command again; it goes on from here.", file=sys.stderr)
        return 130
    return 0


def check_python() -> None:
    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:2]))
        raise CannotSetUp(f"it needs Python 3.11 and this is {found}. Install python3.11, then run this again.")


def install(extras: list[str], began: float) -> None:
    """Bring `.venv` to what `pyproject.toml` and `constraints.txt` say; nothing to do when it is there already."""
    wanted = requirements(extras)
    mark, digest = VENV / f".installed-{'-'.join(extras) or 'run'}", fingerprint(wanted)
    if mark.exists() and mark.read_text() == digest and PYTHON.exists():
        return
    check_disk()
    if not PYTHON.exists() or subprocess.run([PYTHON, "-c", "import pip"], capture_output=True).returncode:
        step(began, "making the virtual environment .venv")
        with never_silent(began, lambda: "still making .venv"):
            shutil.rmtree(VENV, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    step(began, f"installing {len(wanted)} packages and what they need (pinned in constraints.txt)")
    run_pip(wanted, began)
    mark.write_text(digest)
    step(began, f"environment ready, {size_mb(VENV):,} MB")


def requirements(extras: list[str]) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return wanted


def fingerprint(wanted: list[str]) -> str:
    pinned = (ROOT / "constraints.txt").read_bytes()
    return hashlib.sha256("\n".join(wanted).encode() + pinned).hexdigest()


def check_disk() -> None:
    free = shutil.disk_usage(ROOT).free / 2**30
    if free < NEEDED_GIB:
        raise CannotSetUp(f"{free:.1f} GiB are free on this disk and {NEEDED_GIB} GiB are needed. Make room first.")


@dataclass
class Progress:
    """How far pip is, read from what it prints and from what lies on the disk."""

    fetched: int = 0
    megabytes: float = 0.0
    unpacking: int = 0
    """packages to unpack, once all are fetched"""
    there: int = 0
    """packages that were there before"""

    def read(self, line: str) -> None:
        self.fetched += line.startswith("Collecting ")
        if size := re.search(r"\((\d+(?:\.\d+)?) (kB|MB|GB)", line):
            self.megabytes += float(size[1]) * {"kB": 0.001, "MB": 1, "GB": 1000}[size[2]]
        if line.startswith("Installing collected"):
            self.unpacking, self.there = line.count(",") + 1, packages_there()

    def __str__(self) -> str:
        if not self.unpacking:
            return f"fetched {self.fetched} packages, {self.megabytes:,.0f} MB"
        done = min(max(packages_there() - self.there, 0), self.unpacking)
        return f"unpacked {done} of {self.unpacking} packages ({self.megabytes:,.0f} MB were fetched)"


def run_pip(wanted: list[str], began: float) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--progress-bar", "off", "--disable-pip-version-check"]
    command += ["-c", str(ROOT / "constraints.txt"), *wanted]
    output: list[str] = []
    progress = Progress()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None  # noqa: S101 - PIPE was asked for
        with never_silent(began, lambda: str(progress)):
            for line in pip.stdout:
                output.append(line)
                progress.read(line)
    if pip.returncode:
        raise CannotSetUp(why_pip_failed("".join(output)))


@contextmanager
def never_silent(began: float, what: Callable[[], str]) -> Iterator[None]:
    """Says `what()` every few seconds while the block runs: pip and venv say nothing for minutes."""
    done = threading.Event()

    def say() -> None:
        while not done.wait(SAY_EVERY_S):
            step(began, what())

    saying = threading.Thread(target=say, daemon=True)
    saying.start()
    try:
        yield
    finally:
        done.set()
        saying.join()


def packages_there() -> int:
    return sum(1 for _ in VENV.glob("lib/python*/site-packages/*.dist-info"))


def why_pip_failed(output: str) -> str:
    network = ("NewConnectionError", "Temporary failure in name resolution", "ConnectTimeout", "Network is unreachable")
    if any(sign in output for sign in network):
        return "the package index cannot be reached. Connect this machine to the network, then run this again."
    if "No space left on device" in output:
        return "the disk is full. Make room, then run this again."
    last = [line.strip() for line in output.splitlines() if line.strip()][-1:]
    return f"pip stopped with: {last[0] if last else 'no message'}"


def step(began: float, text: str) -> None:
    print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)


def size_mb(path: Path) -> int:
    return round(sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
