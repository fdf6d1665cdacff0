"""The warm process of a device: it imports once what ranks use, then forks supervisors and, from those, ranks.

    python -m training.starter --socket PATH --preload torch,training.preload,agent.supervise

A request is one JSON line on the socket, and so is the answer:

    {"run_dir", "device_home", "supervise": "module:function", "rank": "module:function", "cores": [0], "env": {}}
    → {"pid": n} of the supervisor, or {"error": sentence};   {"ping": true} → {"pid": n} of the starter itself

A fork takes only the thread that called it, so the starter must have exactly one: OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1 belong into its environment before Python starts, and a fork is refused otherwise. Ranks that
cannot be forked (CUDA, Windows) are started as `python -m training.run RUN_DIR` with the same channel.
"""

import argparse
import gc
import importlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from contract import logs
from contract.run_dir import RunDir
from training.rank_process import RankHandle, fork_rank, live_and_exit

REQUEST_BYTES = 1 << 20
REQUEST_TIMEOUT_S = 5
log = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", required=True, type=Path)
    parser.add_argument("--preload", default="training.preload", help="modules to import before the first fork")
    options = parser.parse_args()
    logs.set_up("starter", device=os.environ.get("FLEETUNE_DEVICE"))
    preload([name for name in options.preload.split(",") if name])
    listener = listen(options.socket)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        serve(listener)
    except KeyboardInterrupt:
        pass
    finally:
        options.socket.unlink(missing_ok=True)


def preload(names: list[str]) -> None:
    """Import `names` and set what is loaded apart, so that no collection in a child touches (and copies) it."""
    for name in names:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def listen(path: Path) -> socket.socket:
    """A Unix socket at `path` that only this user may connect to. Takes the place of one that was left behind."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(16)
    return listener


def serve(listener: socket.socket) -> None:
    """Answer requests one after the other, for ever. A bad one gets an error and harms no later one."""
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(REQUEST_TIMEOUT_S)
            try:
                answer = _answer(_read_line(connection), listener, connection)
            except Exception as error:  # whatever was asked for, the next asker is served
                answer = {"error": f"{type(error).__name__}: {error}"}
            try:
                connection.sendall(json.dumps(answer).encode() + b"\n")
            except OSError as error:
                log.warning("the asker is gone: %s", error)


def _read_line(connection: socket.socket) -> dict:
    received = b""
    while not received.endswith(b"\n"):
        part = connection.recv(65536)
        if not part or len(received) > REQUEST_BYTES:
            raise ValueError("a request is one JSON line")
        received += part
    request = json.loads(received)
    if not isinstance(request, dict):
        raise ValueError("a request is a JSON object")
    return request


def _answer(request: dict, *inherited: socket.socket) -> dict:
    if request.get("ping"):
        return {"pid": os.getpid()}
    threads = thread_count()
    if threads != 1:
        raise RuntimeError(f"{threads} threads run here, a fork would lose all but one; set OMP_NUM_THREADS=1")
    rank_function = load(request["rank"])
    supervise = load(request["supervise"])
    return {"pid": fork_supervisor(request, supervise, rank_function, inherited)}


def thread_count() -> int:
    """Threads of this process as the kernel counts them; 1 where that cannot be seen."""
    try:
        return len(os.listdir("/proc/self/task"))
    except FileNotFoundError:
        return 1


def load(name: str) -> Callable:
    """The function that "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def fork_supervisor(
    request: dict, supervise: Callable, rank_function: Callable, inherited: tuple[socket.socket, ...] = ()
) -> int:
    """Fork twice, so that the supervisor is nobody's child here, and return its pid."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        os.setsid()
        supervisor = os.fork()
        if supervisor:
            os.write(write_end, str(supervisor).encode())
            os._exit(0)
        os.close(write_end)
        for each in inherited:
            each.close()
        live_and_exit(lambda: _supervise(request, supervise, rank_function))
    os.close(write_end)
    os.waitpid(child, 0)
    with os.fdopen(read_end, "rb") as answer:
        return int(answer.read())


def _supervise(request: dict, supervise: Callable, rank_function: Callable) -> None:
    """The supervisor's whole life."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(request.get("env", {}))
    run_dir = RunDir(Path(request["run_dir"]))

    def start_rank() -> RankHandle:
        """Fork the rank. To be called before the supervisor starts a thread."""
        if thread_count() != 1:
            raise RuntimeError("start the rank before any thread")
        return fork_rank(run_dir, rank_function, request.get("cores", []))

    supervise(str(run_dir.path), request["device_home"], start_rank)


if __name__ == "__main__":
    main()
