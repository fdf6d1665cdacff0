"""Makes a host part of a fleet. Standard library only, so that a bare Python 3.11 can run it from the server:

    curl -fsS http://SERVER/agent/v1/join.py | python3.11 - --server http://SERVER --token TOKEN

It makes a virtual environment with the server's own versions, joins with this host's devices and runs their agents.
Run it again at any time: it repairs what is missing or has another version, and needs no token then.
"""

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
import zipfile
from gettext import gettext as _
from pathlib import Path

PYTHON = (3, 11)
NEEDED_BYTES = 4 * 1024**3
"""What torch and its companions take, with the room that pip wants while it installs."""
TIMEOUT_S = 60
QUIET_S = 10.0
"""While pip says nothing new, a line comes at least this often."""


class Stop(Exception):
    """One sentence: what is in the way, and what to do."""


def main() -> int:
    options = _options()
    try:
        return join(options)
    except Stop as why:
        print(_("This host did not join: %(why)s") % {"why": why}, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print(_("Interrupted. Run the same command again, it goes on from here."), file=sys.stderr, flush=True)
        return 130


def join(options: argparse.Namespace) -> int:
    """Get the sources, get an environment, enrol, run; the agents take the place of this process."""
    progress = Progress()
    home = options.home.expanduser().resolve()
    server = (options.server or _server_before(home)).rstrip("/")
    _check(home)
    progress.say(_("fetching the agent from %(server)s") % {"server": server})
    sources = _sources(home, _fetch(f"{server}/agent/v1/package.zip", options.tls_fingerprint))
    constraints = home / "constraints.txt"
    constraints.write_bytes(_fetch(f"{server}/agent/v1/constraints.txt", options.tls_fingerprint))
    python = options.python or _environment(home, sources, constraints, progress)
    _check_environment(python, sources)
    os.environ["PYTHONPATH"] = str(sources)
    os.chdir(home)
    progress.say(_("joining"))
    _enrol(options, python, server, home / "devices")
    if not options.no_run:
        progress.say(_("starting the agents"))
        os.execv(python, [python, "-m", "agent", "run-all", "--home", str(home / "devices")])  # noqa: S606 - no shell
    return 0


class Progress:
    """Lines with the time since the start."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="join.py", description=_("Makes this host's devices part of a fleet."))
    parser.add_argument("--server", default="", help=_("its address, such as http://10.0.0.1:8000"))
    parser.add_argument("--token", default="", help=_("the join token; not needed when the host has joined before"))
    parser.add_argument("--home", type=Path, default=Path("~/.fleetune"), help=_("where everything is kept"))
    parser.add_argument("--name", default="", help=_("name of this host"))
    parser.add_argument("--cpu-devices", type=int, default=0, help=_("into how many devices the CPU is divided"))
    parser.add_argument("--fabric-address", default="", help=_("where other devices reach this host"))
    parser.add_argument("--tls-fingerprint", default="", help=_("SHA-256 of the server's certificate"))
    parser.add_argument("--python", default="", help=_("a Python that has everything already; nothing is installed"))
    parser.add_argument("--no-run", action="store_true", help=_("join only; start the agents later"))
    parser.add_argument("--again", action="store_true", help=_("repair; the same as running the command again"))
    return parser.parse_args()


def _check(home: Path) -> None:
    if sys.version_info[:2] != PYTHON:
        version = ".".join(map(str, sys.version_info[:2]))
        raise Stop(_("this is Python %(version)s, and 3.11 is needed. Run it with python3.11.") % {"version": version})
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / ".writable").write_text("")
        (home / ".writable").unlink()
    except OSError as error:
        raise Stop(
            _("%(home)s cannot be written (%(why)s). Choose another directory with --home.")
            % {"home": home, "why": error.strerror}
        ) from error


def _server_before(home: Path) -> str:
    """The server that this host joined before."""
    for path in sorted(home.glob("devices/*/agent.json")):
        return json.loads(path.read_text(encoding="utf-8"))["server"]
    raise Stop(_("name the server with --server: this host has not joined one yet."))


def _fetch(address: str, fingerprint: str) -> bytes:
    context = None
    if address.startswith("https"):
        context = ssl.create_default_context()
        if fingerprint:
            _check_certificate(address, fingerprint)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), *([urllib.request.HTTPSHandler(context=context)] if context else [])
        )
        with opener.open(address, timeout=TIMEOUT_S) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise Stop(_("%(address)s answers %(status)s.") % {"address": address, "status": error.code}) from error
    except (OSError, ValueError) as error:
        raise Stop(
            _("%(address)s cannot be reached (%(why)s). Check the address and that the server runs.")
            % {"address": address, "why": getattr(error, "reason", error)}
        ) from error


def _check_certificate(address: str, fingerprint: str) -> None:
    found = re.match(r"https://\[?([^\]/:]+)\]?(?::(\d+))?", address)
    if not found:
        raise Stop(_("%(address)s is no address of a server.") % {"address": address})
    try:
        text = ssl.get_server_certificate((found[1], int(found[2] or 443)), timeout=TIMEOUT_S)
    except OSError as error:
        raise Stop(_("%(address)s cannot be reached (%(why)s).") % {"address": address, "why": error}) from error
    if hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest() != fingerprint.lower().replace(":", ""):
        raise Stop(_("the server's certificate is not the one of --tls-fingerprint. Somebody may be in between."))


def _sources(home: Path, archive: bytes) -> Path:
    """The sources under a name made of their content; the two before stay, as ranks may still run from them."""
    target = home / f"sources-{hashlib.sha256(archive).hexdigest()[:12]}"
    if not target.is_dir():
        draft = home / f"sources-new-{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as package:
                for name in package.namelist():
                    if name.startswith("/") or ".." in Path(name).parts:
                        raise Stop(_("the server's package holds a file with the name %(name)s.") % {"name": name})
                package.extractall(draft)
        except zipfile.BadZipFile as error:
            raise Stop(_("what the server sent as its package is no zip file.")) from error
        draft.rename(target)
    os.utime(target)
    for old in sorted(home.glob("sources-*"), key=lambda path: path.stat().st_mtime)[:-3]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def _environment(home: Path, sources: Path, constraints: Path, progress: Progress) -> str:
    """A virtual environment with what an agent needs; its Python."""
    place = home / "venv"
    python = place / "bin" / "python"
    needs = [line for line in (sources / "requirements.txt").read_text().splitlines() if line.strip()]
    wanted = hashlib.sha256(constraints.read_bytes() + "\n".join(needs).encode()).hexdigest()
    installed = place / "installed"
    if installed.exists() and installed.read_text() == wanted:
        progress.say(_("everything is installed already"))
        return str(python)
    if not python.exists():
        _check_space(home)
        progress.say(_("making a virtual environment in %(place)s") % {"place": place})
        _make_environment(place)
    _install([str(python), "-m", "pip", "install", "--no-input", "-c", str(constraints), *needs], place, progress)
    installed.write_text(wanted)
    return str(python)


def _check_space(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < NEEDED_BYTES:
        raise Stop(
            _("%(free)s MB are free in %(home)s and %(needed)s MB are needed. Make room, or choose another --home.")
            % {"free": free // 10**6, "home": home, "needed": NEEDED_BYTES // 10**6}
        )


def _make_environment(place: Path) -> None:
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(place)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(place, ignore_errors=True)
        raise Stop(
            _("a virtual environment cannot be made (%(why)s). On Debian: apt install python3.11-venv.")
            % {"why": error}
        ) from error


def _install(command: list[str], place: Path, progress: Progress) -> None:
    """Run pip, and say what it does with the time and the size so far."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert process.stdout is not None  # noqa: S101 - it was asked for
    said_at, last = 0.0, ""
    for line in process.stdout:
        last = line.strip() or last
        news = re.match(r"\s*(Collecting|Downloading|Installing|Successfully)\b.*", line)
        if news and (time.monotonic() - said_at > 1 or not line.lstrip().startswith("Coll")):
            said_at = time.monotonic()
            progress.say(f"{_megabytes(place)} MB  {line.strip()[:100]}")
    if process.wait():
        raise Stop(
            _("pip could not install the packages (%(why)s). Check the network, then run this again.")
            % {"why": last[:200]}
        )


def _megabytes(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) // 10**6


def _check_environment(python: str, sources: Path) -> None:
    """The chosen Python is there and can load an agent."""
    test = [python, "-c", "import sys, celery, numpy; sys.exit(sys.version_info[:2] != (3, 11))"]
    try:
        done = subprocess.run(test, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(sources)})
    except OSError as error:
        raise Stop(_("%(python)s cannot be run (%(why)s).") % {"python": python, "why": error.strerror}) from error
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [_("it is not Python 3.11")])[-1]
        raise Stop(_("%(python)s cannot run an agent: %(why)s") % {"python": python, "why": why})


def _enrol(options: argparse.Namespace, python: str, server: str, home: Path) -> None:
    command = [python, "-m", "agent", "join", "--server", server, "--home", str(home)]
    command += ["--cpu-devices", str(options.cpu_devices)]
    for name in ("token", "name", "fabric_address", "tls_fingerprint"):
        if getattr(options, name):
            command += [f"--{name.replace('_', '-')}", getattr(options, name)]
    if subprocess.run(command).returncode:
        raise Stop(_("the lines above say why. Put it right, make a new join token and run the command again."))


if __name__ == "__main__":
    sys.exit(main())
