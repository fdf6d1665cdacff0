"""What a failed job's page says beside its reason: the last error in the log, and from where it can go on."""

from typing import Any

from jobs import checkpoints, frames
from jobs.models import Job

ROWS_LOOKED_AT = 50


def of(job: Job) -> dict[str, Any]:
    """`{"text", "rank", "seq"}` of the last error line (empty when none was written), and `step` of the checkpoint."""
    return _last_error(job) | {"step": checkpoints.newest_step(job)}


def _last_error(job: Job) -> dict[str, Any]:
    for row in job.log_rows.order_by("-seq", "-id")[:ROWS_LOOKED_AT]:
        errors = [line for line in frames.lines_of(row) if line["level"] == "error"]
        if errors:
            return {"text": errors[-1]["text"], "rank": errors[-1]["rank"], "seq": errors[-1]["seq"]}
    return {"text": "", "rank": None, "seq": None}
