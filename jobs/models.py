"""Jobs and what they leave. A state changes only through `jobs.transitions`; of points see `jobs.metrics.models`."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from catalog.models import BaseModel, DatasetVersion, PreparedData
from devices.models import Device
from jobs.metrics.models import Chunk as Chunk
from jobs.metrics.models import Frame as Frame
from jobs.metrics.models import Head as Head
from jobs.metrics.models import Latest as Latest
from jobs.metrics.models import LogRow as LogRow
from jobs.planning.models import Forecast as Forecast
from jobs.states import AttemptState, JobState


class Job(models.Model):
    """One request to fine-tune one model: an immutable, validated spec, and where it stands."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="jobs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs")
    name = models.CharField(_("name"), max_length=120)
    tags = models.JSONField(default=list, blank=True)
    spec = models.JSONField(editable=False)
    task = models.CharField(max_length=40, editable=False)
    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="jobs")
    prepared = models.ForeignKey(PreparedData, models.PROTECT, related_name="jobs")
    source = models.ForeignKey("self", models.PROTECT, null=True, related_name="derived")
    """the job whose result the weights start from"""
    base_model = models.ForeignKey(BaseModel, models.PROTECT, null=True, related_name="jobs")
    """the registered model that they start from"""
    began_with = models.JSONField(default=list)
    """files of the source's model, as `jobs.weights` names them, noted with the first attempt"""
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.PENDING)
    stage = models.CharField(max_length=12, blank=True)
    activity = models.CharField(max_length=20, blank=True)
    wait_reason = models.CharField(max_length=20, blank=True)
    end_reason = models.CharField(max_length=20, blank=True)
    reason_params = models.JSONField(default=dict)
    priority = models.SmallIntegerField(default=0)
    position = models.FloatField(default=0)
    """order among jobs of one priority; set to the id at creation"""
    not_before = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    """when the reconciler acts if nobody else does"""
    failures = models.PositiveSmallIntegerField(default=0)
    """attempts ended by infrastructure since the last newer checkpoint (rule R11)"""
    avoid = models.JSONField(default=dict)
    """{device id: Unix time until which this job shuns it}"""
    seq = models.BigIntegerField(default=0)
    """counts what has been stored for readers: + 1 each, no gaps"""
    step = models.BigIntegerField(default=0)
    total_steps = models.BigIntegerField(default=0)
    steps_per_epoch = models.FloatField(default=0)
    summary = models.JSONField(default=dict)
    """last value per key"""
    proofs = models.JSONField(default=dict)
    """{stage: {rank: what it proved}} of the last attempt: hashes, metrics, seconds"""
    demo = models.BooleanField(default=False)
    tried_failure = models.JSONField(default=dict)
    """the failure that was tried on it last (demo jobs): kind, attempt, rank, device, at, taken"""
    colour = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    """first step of the first attempt"""
    ended_at = models.DateTimeField(null=True)
    archived = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "-priority", "position"], name="queue_order"),
            models.Index(fields=["project", "-id"], name="jobs_of_project"),
        ]

    def __str__(self):
        return f"#{self.pk} {self.name}"


class Attempt(models.Model):
    """One try at a job on a fixed set of devices."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=14, choices=AttemptState.choices, default=AttemptState.CLAIMED)
    world_size = models.PositiveIntegerField()
    rendezvous = models.JSONField(null=True)
    """{host, port, id}"""
    resumed_from_step = models.BigIntegerField(null=True)
    withdrawn_seq = models.BigIntegerField(default=0)
    """the job's `seq` at which points past `resumed_from_step` were withdrawn; until then its own wait in frames"""
    end_reason = models.CharField(max_length=20, blank=True)
    reason_params = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="one_attempt_a_number"),
            models.UniqueConstraint(fields=["job"], condition=Q(ended_at__isnull=True), name="one_open_attempt"),
        ]

    def __str__(self):
        return f"#{self.job_id} attempt {self.number}"


class Rank(models.Model):
    """One process of an attempt: one device, one rank."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="ranks")
    rank = models.PositiveIntegerField()
    device = models.ForeignKey(Device, models.PROTECT, related_name="ranks")
    fence = models.BigIntegerField()
    acknowledged_at = models.DateTimeField(null=True)
    checkpoints = models.JSONField(default=list)
    """valid checkpoints listed at acknowledgement (rule R5)"""
    supervisor = models.JSONField(default=dict)
    process = models.JSONField(default=dict)
    address = models.CharField(max_length=200, blank=True)
    port = models.PositiveIntegerField(default=0)
    stage = models.CharField(max_length=12, blank=True)
    activity = models.CharField(max_length=20, blank=True)
    activity_progress = models.FloatField(default=0)
    step = models.BigIntegerField(default=0)
    last_batch = models.BigIntegerField(default=0)
    proofs = models.JSONField(default=dict)
    """{stage: what this rank proved}"""
    exit_report = models.JSONField(null=True)
    gone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["rank"]
        constraints = [models.UniqueConstraint(fields=["attempt", "rank"], name="one_rank_a_number")]

    def __str__(self):
        return f"rank {self.rank} of attempt {self.attempt_id}"


class ErrandState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Errand(models.Model):
    """A bounded piece of work on one device outside a job: leased and fenced like an attempt, never requeued."""

    kind = models.CharField(max_length=12)
    """preflight, evaluate, fleet-test, …"""
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    device = models.ForeignKey(Device, models.CASCADE, related_name="errands")
    fence = models.BigIntegerField(default=0)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=ErrandState.choices, default=ErrandState.PENDING)
    stage = models.CharField(max_length=20, blank=True)
    """what its rank said last that it is doing"""
    gang = models.BigIntegerField(null=True, db_index=True)
    """the id of the first of the errands that meet this one; none for one that works alone"""
    rank = models.PositiveIntegerField(default=0)
    world_size = models.PositiveIntegerField(default=1)
    acknowledged = models.BooleanField(default=False)
    rendezvous = models.JSONField(null=True)
    """of rank 0 of a gang: where its errands meet"""
    answer = models.JSONField(default=dict)
    rows = models.JSONField(default=dict)
    """what it answered row by row, as `rows` of its answer came: large, and read only where rows are shown"""
    created_at = models.DateTimeField(auto_now_add=True)
    deadline_at = models.DateTimeField()
    """until it is claimed: of standing in line; then of the work itself"""
    ended_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.kind} {self.pk}"


class Scheduler(models.Model):
    """One row: when every pending job was last looked at, and who paused the queue."""

    last_full_round_at = models.DateTimeField(null=True)
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    paused_at = models.DateTimeField(null=True)
    last_tick_at = models.DateTimeField(null=True)
    invariants = models.JSONField(default=dict)
    """last result of `check_invariants`"""

    def __str__(self):
        return f"last round {self.last_full_round_at}"


class Transition(models.Model):
    """One step in a job's life. Append only (triggers)."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="transitions")
    number = models.PositiveIntegerField()
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    actor = models.CharField(max_length=12)
    """user, scheduler, reconciler, attempt or system"""
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    attempt = models.ForeignKey(Attempt, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=20, blank=True)
    params = models.JSONField(default=dict)
    seq = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_transition_a_number")]

    def __str__(self):
        return f"#{self.job_id} {self.from_state} → {self.to_state}"


class Checkpoint(models.Model):
    """A complete, resumable state at a step, as its ranks reported it."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="checkpoints")
    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="checkpoints")
    step = models.BigIntegerField()
    manifest_hash = models.CharField(max_length=64)
    manifest = models.JSONField()
    bytes = models.BigIntegerField(default=0)
    holders = models.JSONField(default=list)
    """ids of devices that hold a whole copy"""
    state = models.CharField(max_length=10, default="local")
    """local, complete, damaged or pruned (rule R10)"""
    metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["step"]
        constraints = [models.UniqueConstraint(fields=["job", "step", "manifest_hash"], name="one_checkpoint")]

    def __str__(self):
        return f"#{self.job_id} step {self.step}"


class Artifact(models.Model):
    """A file that a job leaves for the user. Stored under its SHA-256 in `FLEETUNE_HOME/artifacts/`."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="artifacts")
    attempt = models.ForeignKey(Attempt, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    format = models.CharField(max_length=20)
    bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    """why this format could not be made"""
    verified_at = models.DateTimeField(null=True)
    """when the bytes on the server had this hash"""

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["job", "attempt", "name"], name="one_artifact_a_name")]

    def __str__(self):
        return self.name


class Evaluation(models.Model):
    """One artifact × one dataset split × one device → metrics."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="evaluations")
    attempt = models.ForeignKey(Attempt, models.SET_NULL, null=True, related_name="+")
    device = models.ForeignKey(Device, models.PROTECT, related_name="+")
    artifact = models.CharField(max_length=120)
    split = models.CharField(max_length=20)
    samples = models.PositiveIntegerField()
    metrics = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "attempt", "device", "artifact", "split"], name="one_evaluation")
        ]

    def __str__(self):
        return f"#{self.job_id} {self.artifact} on {self.split}"
