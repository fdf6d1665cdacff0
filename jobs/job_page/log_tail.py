"""A job's log as its page shows it: the last lines, those that hold a text, or all of them as a file."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from jobs import frames
from jobs.models import Job

LINES = 500


def of(job: Job, names: dict[int, str], text: str = "", lines: int = LINES) -> list[dict[str, Any]]:
    """The last `lines` lines (that hold `text`, in any case), oldest first. `names`: {rank: name of its device}."""
    wanted = text.casefold()
    found: list[dict[str, Any]] = []
    for row in job.log_rows.order_by("-seq", "-id").iterator(chunk_size=100):
        found = [line for line in _numbered(row, names) if wanted in line["text"].casefold()] + found
        if len(found) >= lines:
            break
    return found[-lines:]


def as_text(job: Job, names: dict[int, str]) -> Iterator[str]:
    """All lines, oldest first: time, device, level, text."""
    for row in job.log_rows.order_by("seq", "id").iterator(chunk_size=500):
        for line in _numbered(row, names):
            yield f"{line['at'].isoformat(timespec='milliseconds')} {line['device']} {line['level']} {line['text']}\n"


def _numbered(row: Any, names: dict[int, str]) -> list[dict[str, Any]]:
    """The lines of one row, each with the anchor by which a link names it."""
    lines = frames.lines_of(row)
    for number, line in enumerate(lines, start=1):
        line["anchor"] = f"L{line['seq']}-{number}"
        line["at"] = datetime.fromtimestamp(line["time"], UTC)
        line["device"] = names.get(line["rank"], str(line["rank"]))
    return lines
