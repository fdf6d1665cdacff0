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


def measured_build(request, reporter):
    """The build, and by how many bytes this process grew above what it was when everything was imported."""
    from recipes.build import build  # imports come before the measurement

    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _peak_bytes()
    return build(request, reporter) | {"grown": _peak_bytes() - before}


def die_at_a_picture(request, reporter):
    """A build in which one picture kills whoever opens it."""
    from recipes import build
    from recipes.recipe import Recipe

    decode = Recipe.decode

    def decode_or_die(self, data):
        if data == Path(request["deadly"]).read_bytes():
            os.kill(os.getpid(), signal.SIGSEGV)
        return decode(self, data)

    Recipe.decode = decode_or_die
    return build.build(request, reporter)


def _peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def write_chat(request, reporter):
    """Messages through the chat template of a directory."""
    from recipes.chat_templates import ChatProgram

    return ChatProgram(Path(request["directory"]), "talker", "everything").pieces(request["messages"])
