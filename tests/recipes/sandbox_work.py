"""Work that misbehaves, for `test_sandbox.py`."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from recipes.sandbox.inside import Refused


def environment(request, reporter):
    return dict(os.environ)


def open_socket(request, reporter):
    try:
        socket.create_connection(("127.0.0.1", request["port"]), timeout=2)
    except PermissionError:
        return "refused"
    return "open"


def start_program(request, reporter):
    try:
        subprocess.run(["/bin/true"], check=True)
    except PermissionError:
        return "refused"
    return "ran"


def eat_memory(request, reporter):
    return len(bytearray(request["bytes"]))


def write_much(request, reporter):
    try:
        Path(request["path"]).write_bytes(bytes(request["bytes"]))
    except OSError:
        return "refused"
    return "written"


def burn(request, reporter):
    while True:
        pass


def die(request, reporter):
    reporter.at("cat.png")
    os.kill(os.getpid(), signal.SIGSEGV)


def refuse(request, reporter):
    raise Refused("%(who)s cannot go on.", who=request["who"])


def break_down(request, reporter):
    print("noise on standard output")
    raise KeyError("label")
