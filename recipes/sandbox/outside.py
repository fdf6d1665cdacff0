"""The parent's side: start a child, follow it, end it. Standard library only."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
LOOK_S = 0.2


@dataclass(frozen=True)
class Limits:
    memory_bytes: int = 2**30
    """on top of what the interpreter itself has mapped"""
    cpu_seconds: int = 3600
    file_bytes: int = 2**40
    network: bool = False
    """only for work that opens nothing it fetched"""

    def to_json(self) -> dict[str, int]:
        return dict(vars(self))


@dataclass(frozen=True)
class Answer:
    """How a child ended: exactly one of `result`, `refused`, `died` and `stopped` says something."""

    result: Any = None
    refused: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    died: str = ""
    """how it ended without an answer, and the last of what it said"""
    at: str = ""
    """what it was opening when it died"""
    stopped: bool = False


def run(
    target: str,
    request: dict[str, Any],
    *,
    limits: Limits | None = None,
    on_progress: Callable[[float], None] = lambda part: None,
    keep_going: Callable[[], bool] = lambda: True,
    seconds: float = 86_400,
) -> Answer:
    """Run `target` ("module:function", see `inside.py`) on `request` in a child process and wait for it.

    `keep_going` is asked five times a second; when it says no, the child is killed and the answer is `stopped`.
    """
    with tempfile.TemporaryFile() as errors, _started(target, errors) as child:
        try:
            order = {"parent": os.getpid(), "limits": (limits or Limits()).to_json(), "request": request}
            _send(child, order)
            return _follow(child, errors, on_progress, keep_going, time.monotonic() + seconds)
        finally:
            child.kill()
            child.wait()


def _started(target: str, errors) -> subprocess.Popen:
    """In an environment of its own: none of the server's variables, and with them none of its secrets."""
    return subprocess.Popen(
        [sys.executable, "-m", "recipes.sandbox.inside", target],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=ROOT,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )


def _send(child: subprocess.Popen, order: dict[str, Any]) -> None:
    assert child.stdin is not None  # noqa: S101 - a pipe was asked for
    try:
        child.stdin.write(json.dumps(order).encode())
        child.stdin.close()
    except BrokenPipeError:
        return  # it died at once; _follow finds out how


def _follow(child: subprocess.Popen, errors, on_progress, keep_going, deadline: float) -> Answer:
    last: dict[str, Any] = {}
    at = ""
    for line in _lines(child, keep_going, deadline):
        if line is None:
            return Answer(stopped=True)
        if "at" in line:
            at = line["at"]
        elif "progress" in line:
            on_progress(line["progress"])
        else:
            last = line
    code = child.wait()
    if code == 0 and "result" in last:
        return Answer(result=last["result"])
    if code == 0 and "refused" in last:
        return Answer(refused=last["refused"], params=last["params"])
    return Answer(died=f"{_how(code)}: {_tail(errors)}", at=at)


def _lines(child: subprocess.Popen, keep_going, deadline: float):
    """The child's answers as they come; None when it has to be stopped."""
    pipe = child.stdout
    assert pipe is not None  # noqa: S101 - a pipe was asked for
    os.set_blocking(pipe.fileno(), False)
    waiting = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not keep_going() or time.monotonic() > deadline:
                yield None
                return
            if not selector.select(LOOK_S):
                continue
            data = os.read(pipe.fileno(), 1 << 16)
            if not data:
                return
            *whole, waiting = (waiting + data).split(b"\n")
            yield from (json.loads(text) for text in whole)


def _how(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"ended with {code}"


def _tail(errors) -> str:
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - 2000))
    return errors.read().decode(errors="replace").strip()[-1000:]
