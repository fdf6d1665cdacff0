"""Starts a rank in a fresh interpreter, where a fork of the starter is not known to be safe: CUDA."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass

from contract.run_dir import RunDir

MODULE = "training.run"
CHANNEL_FD = "FLEETUNE_CHANNEL_FD"
"""names the rank's end of the channel, as for a forked rank"""


@dataclass(frozen=True)
class FreshRank:
    """`channel` closes with the supervisor, and the rank ends then."""

    pid: int
    channel: socket.socket


def start_fresh(run: RunDir, module: str = MODULE) -> FreshRank:
    """Start `python -m module RUN_DIR` in a session of its own, with its output in `run.log`."""
    ours, theirs = socket.socketpair()
    with theirs, open(run.log, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(run.path)],
            env={**os.environ, CHANNEL_FD: str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return FreshRank(process.pid, ours)
