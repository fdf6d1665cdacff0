"""Every reason a job waits or ends, and what class of failure it is (`docs/reliability.md`).

A reason travels as its code plus `params` (device, rank, step, …). The sentences that people read are made from both
in `jobs/sentences.py`; nothing here is shown as it is.
"""

from enum import StrEnum


class WaitReason(StrEnum):
    """Why a job that is pending, claimed or starting does not train yet."""

    DEVICE_BUSY = "device_busy"
    DEVICE_OFFLINE = "device_offline"
    NO_DEVICE = "no_device"
    DRAINING = "draining"
    PREPARING_DATA = "preparing_data"
    WAITING_PEERS = "waiting_peers"
    SOURCE_JOB = "source_job"
    SCHEDULED = "scheduled"
    QUEUE_PAUSED = "queue_paused"
    PAUSED = "paused"
    NO_SPACE = "no_space"
    RETRY_DELAY = "retry_delay"


class EndReason(StrEnum):
    """Why an attempt, or an ended job, ended as it did. Empty for a plain success."""

    DEVICE_LOST = "device_lost"
    KILLED = "killed"
    SYNC_TIMEOUT = "sync_timeout"
    STALLED = "stalled"
    START_TIMEOUT = "start_timeout"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    DIVERGED = "diverged"
    NO_SPACE = "no_space"

    CODE_ERROR = "code_error"
    BAD_DATA = "bad_data"
    NAN_LOSS = "nan_loss"
    OUT_OF_MEMORY = "out_of_memory"
    RECIPE_MISMATCH = "recipe_mismatch"
    VERSION_MISMATCH = "version_mismatch"
    IMPOSSIBLE = "impossible"
    """the parts of the job do not go together; `detail` says which and what to change"""

    USER_CANCELLED = "user_cancelled"
    DRAINED = "drained"
    PREEMPTED = "preempted"
    RESIZED = "resized"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    LIMIT_REACHED = "limit_reached"

    UNKNOWN = "unknown"


INFRASTRUCTURE = frozenset(
    {
        EndReason.DEVICE_LOST,
        EndReason.KILLED,
        EndReason.SYNC_TIMEOUT,
        EndReason.STALLED,
        EndReason.START_TIMEOUT,
        EndReason.STORAGE_UNAVAILABLE,
        EndReason.DIVERGED,
        EndReason.NO_SPACE,
    }
)
"""Requeued from the last checkpoint, and counted as an attempt."""

CODE_OR_DATA = frozenset(
    {
        EndReason.CODE_ERROR,
        EndReason.BAD_DATA,
        EndReason.NAN_LOSS,
        EndReason.OUT_OF_MEMORY,
        EndReason.RECIPE_MISMATCH,
        EndReason.VERSION_MISMATCH,
        EndReason.IMPOSSIBLE,
    }
)
"""Failed at once: trying again would give the same."""

ASKED_FOR = frozenset(
    {
        EndReason.USER_CANCELLED,
        EndReason.DRAINED,
        EndReason.PREEMPTED,
        EndReason.RESIZED,
        EndReason.PAUSED,
        EndReason.SHUTDOWN,
        EndReason.LIMIT_REACHED,
    }
)
"""Somebody wanted it so; never counted as an attempt."""
