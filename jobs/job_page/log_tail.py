"""The end of a job's log: the last lines that its ranks wrote."""

from datetime import UTC, datetime
from typing import Any

from jobs import frames
from jobs.models import Job

LINES = 500


def of(job: Job, names: dict[int, str], lines: int = LINES) -> list[dict[str, Any]]:
    """The last `lines` lines, oldest first. `names`: {rank: name of its device}."""
    found: list[dict[str, Any]] = []
    for row in job.log_rows.order_by("-seq", "-id").iterator(chunk_size=100):
        found = frames.lines_of(row) + found
        if len(found) >= lines:
            break
    numbered: dict[int, int] = {}
    for line in found:
        numbered[line["seq"]] = numbered.get(line["seq"], 0) + 1
        line["anchor"] = f"L{line['seq']}-{numbered[line['seq']]}"
        line["at"] = datetime.fromtimestamp(line["time"], UTC)
        line["device"] = names.get(line["rank"], str(line["rank"]))
    return found[-lines:]
