"""A rank without torch: takes steps, writes its spool and its signs of life, and does what its spec says goes wrong."""

import contextlib
import faulthandler
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from contract.events import Batch, Event, Frame, LogLine
from contract.run_dir import RunDir, read_json, write_json


def main(run_dir: str) -> None:
    run = RunDir(Path(run_dir))
    assignment = read_json(run.assignment)
    wishes = {"steps": 5, "seconds": 0.05} | assignment["spec"]
    channel = socket.socket(fileno=int(os.environ["FLEETUNE_CHANNEL_FD"]))
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    threading.Thread(target=_end_with_supervisor, args=(channel,), daemon=True).start()
    channel.sendall(json.dumps({"port": 4321, "address": "127.0.0.1"}).encode() + b"\n")
    while not run.go.exists():
        time.sleep(0.005)
    go = read_json(run.go)
    spool = open(run.spool, "a", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    sys.stderr.write("tiny rank begins\n")
    if wishes.get("child"):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    number = 0
    for step in range(1, wishes["steps"] + 1):
        word = run.wanted.read_text() if run.wanted.exists() else "run"
        if word != "run" and not wishes.get("deaf"):
            _leave(run, assignment, number, {"drain": "drained"}.get(word, "cancelled"))
        _misbehave(wishes, step)
        time.sleep(wishes["seconds"])
        now = time.time()
        log = [LogLine(now, "info", f"pid {os.getpid()}")] if step == 1 else []
        number += 1
        batch = Batch(number, now, [Frame([step], [now], {"train/loss": [1 / step]})], log, [])
        if step == 1:
            batch.events.append(Event("started", now, 0, {"go": go}))
        spool.write(batch.to_line())
        spool.flush()
        sign = {"stage": "fine_tune", "step": step, "at": time.monotonic(), "budget": wishes.get("budget", 1.0)}
        write_json(run.progress, sign)
    if wishes.get("artifact"):
        run.artifacts.mkdir(exist_ok=True)
        (run.artifacts / "model.safetensors").write_bytes(wishes["artifact"].encode() * wishes.get("times", 1))
    _leave(run, assignment, number, wishes.get("outcome", "succeeded"), wishes.get("reason", ""))


def _misbehave(wishes: dict, step: int) -> None:
    if step == wishes.get("die_at"):
        os.kill(os.getpid(), signal.SIGKILL)
    if step == wishes.get("raise_at"):
        raise KeyError("the rank was written badly")
    if step == wishes.get("hang_at"):
        _hang_here()


def _hang_here() -> None:
    while True:
        time.sleep(60)


def _leave(run: RunDir, assignment: dict, last_batch: int, outcome: str, reason: str = "") -> None:
    write_json(run.exit, {"outcome": outcome, "reason": reason, "params": {"rank": assignment["rank"]},
                          "last_batch": last_batch, "answer": assignment["errand"] and {"ok": True}})  # fmt: skip
    os._exit(0 if outcome == "succeeded" else 1)


def _end_with_supervisor(channel: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while channel.recv(4096):
            pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
