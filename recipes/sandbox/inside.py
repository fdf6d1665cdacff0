"""The child's side: read one request, give up rights, do it, answer in JSON lines on standard output.

    python -m recipes.sandbox.inside catalog.imports.work:import_dataset < {"parent": pid, "limits": …, "request": …}

Lines: {"at": name} before an item is opened, {"progress": 0 to 1}, and one last {"result": …} or {"refused": …}.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from contract.problems import gettext_noop
from recipes.sandbox.confine import confine


class Refused(Exception):
    """The work cannot be done, for a reason that the user can act on: a sentence with named placeholders."""

    def __init__(self, sentence: str, **params: Any):
        self.sentence, self.params = sentence, params
        super().__init__(sentence % params)


class Reporter:
    """Tells the parent where the work is."""

    def __init__(self, write: Callable[[dict], None]):
        self._write = write
        self._shown = -1.0

    def at(self, name: str) -> None:
        """About to open `name`: should the process die now, the parent knows of what."""
        self._write({"at": name})

    def progress(self, part: float) -> None:
        """`part` of the work is done (0 to 1); steps under 0.5 % are not sent."""
        if part - self._shown >= 0.005 or part >= 1:
            self._shown = part
            self._write({"progress": round(part, 4)})


def main(target: str) -> int:
    order = json.load(sys.stdin)
    answers = sys.stdout
    sys.stdout = sys.stderr  # a library that prints must not break the protocol

    def write(line: dict) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    confine(**order["limits"])
    if os.getppid() != order["parent"]:
        return 1  # it died before this process asked to die with it
    module, _, name = target.partition(":")
    work = getattr(importlib.import_module(module), name)
    try:
        write({"result": work(order["request"], Reporter(write))})
    except Refused as refused:
        write({"refused": refused.sentence, "params": refused.params})
    except MemoryError:
        write({"refused": gettext_noop("There is not enough memory for this data."), "params": {}})
    return 0


if __name__ == "__main__":
    # `python -m` runs this file as `__main__`; the work raises the Refused of the module's real name
    from recipes.sandbox import inside

    sys.exit(inside.main(sys.argv[1]))
