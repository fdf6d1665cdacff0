"""Log lines of every process: JSON in files, readable on a terminal, each with the ids of what it is about.

    {"at": …, "level": …, "process": "supervisor", "logger": …, "job": 3, "attempt": 7, "errand": null,
     "device": "cpu-1", "rank": 0, "text": …}

Ids that nobody named are null. `python -m contract.logs FILE…` prints such files as a terminal shows them.
"""

import contextlib
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

IDS = ("job", "attempt", "errand", "device", "rank")
_about: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)
_process: dict[str, Any] = {}
"""ids of everything that this process does, in all of its threads"""


@contextlib.contextmanager
def about(**ids: Any) -> Iterator[None]:
    """Lines written inside carry these ids, in this thread or task."""
    token = _about.set((_about.get() or {}) | ids)
    try:
        yield
    finally:
        _about.reset(token)


def note(**ids: Any) -> None:
    """From here to the end of the `about` around it, lines carry these ids too."""
    _about.set((_about.get() or {}) | ids)


def set_up(process: str, **ids: Any) -> None:
    """Log to stderr as `process`. Warnings, and errors that nobody caught, become lines as well."""
    _process.clear()
    _process.update(ids)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(process))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda thread: _uncaught(thread.exc_type, thread.exc_value, thread.exc_traceback)


class Formatter(logging.Formatter):
    """The one formatter of every process."""

    def __init__(self, process: str = "", readable: bool | None = None):
        super().__init__()
        self.process = process
        self.readable = sys.stderr.isatty() if readable is None else readable

    def format(self, record: logging.LogRecord) -> str:
        line = self._line(record)
        return shown(line) if self.readable else json.dumps(line, ensure_ascii=False, default=str)

    def _line(self, record: logging.LogRecord) -> dict[str, Any]:
        ids = _process | (_about.get() or {})
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self.process,
            "logger": record.name,
            **{name: ids.get(name) for name in IDS},
            "text": record.getMessage(),
        }
        trace = [self.formatException(record.exc_info)] if record.exc_info else []
        trace += [self.formatStack(record.stack_info)] if record.stack_info else []
        return line | ({"trace": "\n".join(trace)} if trace else {})


def readable(text: str) -> str:
    """A line of a log file as people read it; what is no such line stays as it is."""
    if not text.startswith('{"at": '):
        return text
    try:
        return shown(json.loads(text))
    except (ValueError, KeyError, TypeError):
        return text


def shown(line: dict[str, Any]) -> str:
    ids = " ".join(f"{name} {line[name]}" for name in IDS if line.get(name) is not None)
    head = f"{line['at'][11:23]} {line['level']} {line['process']} {line['logger']}"
    text = f"{head}: {line['text']}" + (f" [{ids}]" if ids else "")
    return f"{text}\n{line['trace']}" if line.get("trace") else text


def _uncaught(kind: Any, error: Any, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    elif kind is not SystemExit:
        logging.getLogger("uncaught").critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))


def main() -> None:
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8", errors="replace") as file:
            for text in file:
                print(readable(text.rstrip("\n")))


if __name__ == "__main__":
    main()
