"""Every state of a job and of an attempt, and every legal step between them (`docs/reliability.md` §3)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    PENDING = "pending", _("Queued")
    CLAIMED = "claimed", _("Preparing")
    STARTING = "starting", _("Preparing")
    RUNNING = "running", _("Running")
    DRAINING = "draining", _("Wrapping up")
    CANCELLING = "cancelling", _("Stopping")
    SUCCEEDED = "succeeded", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Stopped")


class AttemptState(models.TextChoices):
    CLAIMED = "claimed"
    STARTING = "starting"
    RUNNING = "running"
    CHECKPOINTING = "checkpointing"
    DRAINING = "draining"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Actor(models.TextChoices):
    USER = "user"
    SCHEDULER = "scheduler"
    RECONCILER = "reconciler"
    ATTEMPT = "attempt"
    SYSTEM = "system"


ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
DRIVEN = frozenset({JobState.CLAIMED, JobState.STARTING, JobState.RUNNING, JobState.DRAINING, JobState.CANCELLING})

_PENDING, _CLAIMED, _STARTING, _RUNNING = JobState.PENDING, JobState.CLAIMED, JobState.STARTING, JobState.RUNNING
_DRAINING, _CANCELLING = JobState.DRAINING, JobState.CANCELLING
_SUCCEEDED, _FAILED, _CANCELLED = JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED
_USER, _SCHEDULER, _RECONCILER, _ATTEMPT, _SYSTEM = Actor

LEGAL: dict[tuple[str, str], frozenset[str]] = {
    ("", _PENDING): frozenset({_USER, _SYSTEM}),
    (_PENDING, _CLAIMED): frozenset({_SCHEDULER}),
    (_PENDING, _CANCELLED): frozenset({_USER}),
    (_PENDING, _FAILED): frozenset({_RECONCILER}),
    (_CLAIMED, _STARTING): frozenset({_ATTEMPT}),
    (_CLAIMED, _PENDING): frozenset({_RECONCILER, _ATTEMPT}),
    (_CLAIMED, _FAILED): frozenset({_ATTEMPT}),
    (_STARTING, _RUNNING): frozenset({_ATTEMPT}),
    (_STARTING, _FAILED): frozenset({_ATTEMPT, _RECONCILER}),
    (_STARTING, _PENDING): frozenset({_ATTEMPT, _RECONCILER}),
    (_RUNNING, _SUCCEEDED): frozenset({_ATTEMPT}),
    (_RUNNING, _FAILED): frozenset({_ATTEMPT, _RECONCILER}),
    (_RUNNING, _PENDING): frozenset({_ATTEMPT, _RECONCILER}),
    (_CLAIMED, _DRAINING): frozenset({_USER, _SCHEDULER, _SYSTEM}),
    (_STARTING, _DRAINING): frozenset({_USER, _SCHEDULER, _SYSTEM}),
    (_RUNNING, _DRAINING): frozenset({_USER, _SCHEDULER, _SYSTEM}),
    (_DRAINING, _PENDING): frozenset({_ATTEMPT, _RECONCILER}),
    (_DRAINING, _SUCCEEDED): frozenset({_ATTEMPT}),
    (_DRAINING, _FAILED): frozenset({_ATTEMPT}),
    (_CLAIMED, _CANCELLING): frozenset({_USER}),
    (_STARTING, _CANCELLING): frozenset({_USER}),
    (_RUNNING, _CANCELLING): frozenset({_USER}),
    (_DRAINING, _CANCELLING): frozenset({_USER}),
    (_CANCELLING, _CANCELLED): frozenset({_ATTEMPT, _RECONCILER}),
    (_FAILED, _PENDING): frozenset({_USER}),
    (_CANCELLED, _PENDING): frozenset({_USER}),
}
