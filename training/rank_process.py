"""How a rank comes into being under a supervisor: a fork with a session, cores and a log of its own."""

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from contract.run_dir import RunDir

CHANNEL_FD = "FLEETUNE_CHANNEL_FD"
"""names the rank's end of the channel in its environment, however it was started"""
CORES = "FLEETUNE_CORES"


@dataclass(frozen=True)
class RankHandle:
    """What a supervisor holds of its rank. When `channel` closes, the rank ends itself."""

    pid: int
    channel: socket.socket


def fork_rank(run_dir: RunDir, rank_function: Callable[[str], None], cores: list[int]) -> RankHandle:
    """Fork a rank that runs `rank_function(run_dir)` on `cores`, with its output in `run_dir.log`."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return RankHandle(pid, ours)
    ours.close()
    live_and_exit(lambda: _become_rank(run_dir, rank_function, cores, theirs.detach()))
    raise AssertionError("a rank never returns")


def _become_rank(run_dir: RunDir, rank_function: Callable[[str], None], cores: list[int], channel: int) -> None:
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    _log_to(run_dir)
    os.environ[CHANNEL_FD] = str(channel)
    os.environ[CORES] = ",".join(map(str, cores))
    gc.enable()
    rank_function(str(run_dir.path))


def live_and_exit(life: Callable[[], None]) -> None:
    """The whole life of a forked process; never returns. Nothing of the process it was forked from runs at its end."""
    code = 1
    try:
        life()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException as error:  # the process ends here whatever it was; its last words go to the log
        logging.getLogger(__name__).critical("this process ends: %r", error, exc_info=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _log_to(run_dir: RunDir) -> None:
    log = os.open(run_dir.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.close(nothing)
