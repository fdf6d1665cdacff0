"""Keeps the warm starter of a device (`python -m training.starter`), and asks it for supervisors."""

import hashlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from agent.device_home import Device, DeviceHome
from agent.processes import ATTEMPT_MARK, HOME_MARK, MARK_WIDTH, identity_of, is_alive, send
from contract.agent_calls import ProcessIdentity
from contract.run_dir import RunDir, read_json, write_json

MODULE = "training.starter"
PRELOAD = "torch,training.preload,agent.supervise"
SUPERVISE = "agent.supervise:main"
RANK = "training.run:main"
INHERITED = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "FLEETUNE_TIME_SCALE",
    "FLEETUNE_FAULT",
    "FLEETUNE_TEST_ID",
)
"""The only variables that a rank inherits: no secret, no address of database or broker (`docs/security.md`)."""
ANSWER_S = 10.0
SOCKET_PATH_LIMIT = 100
"""The kernel takes 107 bytes."""
log = logging.getLogger(__name__)


class NotReady(Exception):
    """The starter cannot be asked yet: it is importing, or it refused."""


class Starter:
    """One starter process. `rank` names the function that ranks run, "module:function"."""

    def __init__(self, home: DeviceHome, device: Device, preload: str = PRELOAD, rank: str = RANK):
        self.home, self.device, self.preload, self.rank = home, device, preload, rank
        self.socket = _socket_path(home.path)
        self.process: subprocess.Popen | None = None

    def ensure(self) -> None:
        """Start it unless it runs. One that an earlier agent left behind is replaced: its code may be old."""
        if self.process and self.process.poll() is None:
            return
        if self.process:
            log.warning("the starter ended with %s and is started again", self.process.returncode)
        else:
            self._end_left_behind()
        self.socket.unlink(missing_ok=True)
        with open(self.home.path / "starter.log", "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", MODULE, "--socket", str(self.socket), "--preload", self.preload],
                env=starter_environment(self.home, self.device),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        identity = identity_of(self.process.pid)
        if identity:
            write_json(self.home.path / "starter.json", asdict(identity))

    def start(self, run: RunDir, environment: dict[str, str]) -> int:
        """Start a supervisor for the assignment that lies in `run`; its pid. Raises NotReady: ask again later."""
        self.ensure()
        request = {
            "run_dir": str(run.path),
            "device_home": str(self.home.path),
            "supervise": SUPERVISE,
            "rank": self.rank,
            "cores": self.device.cores,
            "env": environment,
        }
        answer = self._ask(request)
        if "pid" not in answer:
            raise NotReady(answer.get("error", "no answer"))
        return int(answer["pid"])

    def stop(self) -> None:
        """End it; supervisors and ranks live on."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.socket.unlink(missing_ok=True)

    def _ask(self, request: dict) -> dict:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_S)
            try:
                connection.connect(str(self.socket))
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("r", encoding="utf-8") as lines:
                    return json.loads(lines.readline() or "{}")
            except (OSError, ValueError) as error:
                raise NotReady(str(error)) from error

    def _end_left_behind(self) -> None:
        body = read_json(self.home.path / "starter.json")
        identity = ProcessIdentity(**body) if body else None
        send(identity, signal.SIGTERM)
        deadline = time.monotonic() + 1
        while is_alive(identity) and time.monotonic() < deadline:
            time.sleep(0.02)
        send(identity, signal.SIGKILL)


def starter_environment(home: DeviceHome, device: Device) -> dict[str, str]:
    """What starter, supervisors and ranks have as their environment."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *[path for path in kept.pop("PYTHONPATH", "").split(os.pathsep) if path and path != root]]
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        HOME_MARK: str(home.path),
        ATTEMPT_MARK: " " * MARK_WIDTH,
        "FLEETUNE_DEVICE": device.slug,
        "FLEETUNE_DEVICE_INDEX": str(device.index),
        "FLEETUNE_DEVICE_KIND": device.kind,
    }


def _socket_path(home: Path) -> Path:
    path = home / "starter.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    private = Path(tempfile.gettempdir()) / f"fleetune-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ValueError(f"{private} is not a private directory of this user: remove it")
    return private / f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}.sock"
