"""Hosts, their devices, what lets a device in, and the lease that gives one attempt the right to it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Host(models.Model):
    """A machine with devices. Its environment is recorded by its agents and compared before a job starts."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    platform = models.CharField(_("platform"), max_length=40, blank=True)
    """linux or windows; ranks of one group never mix them"""
    environment = models.JSONField(_("environment"), default=dict, blank=True)
    environment_hash = models.CharField(max_length=64, blank=True)
    environment_at = models.DateTimeField(null=True)
    agent_version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class EnvironmentChange(models.Model):
    """What differed when a host reported another environment than before."""

    host = models.ForeignKey(Host, models.CASCADE, related_name="environment_changes")
    at = models.DateTimeField(auto_now_add=True)
    changes = models.JSONField()
    """{fact: [before, after]}"""

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return ", ".join(self.changes)


class DeviceState(models.TextChoices):
    JOINING = "joining", _("Joining")
    ONLINE = "online", _("Online")
    DRAINING = "draining", _("Draining")
    OFFLINE = "offline", _("Offline")


class DeviceKind(models.TextChoices):
    CPU = "cpu", _("CPU")
    CUDA = "cuda", _("GPU")


class Device(models.Model):
    """One GPU of a host, or a share of its CPU cores: what a job is placed on."""

    host = models.ForeignKey(Host, models.CASCADE, related_name="devices", verbose_name=_("host"))
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=DeviceKind.choices)
    index = models.PositiveIntegerField(_("index"), default=0)
    label = models.CharField(_("model"), max_length=200, blank=True)
    labels = models.JSONField(_("labels"), default=list, blank=True)
    cores = models.JSONField(default=list, blank=True)
    memory_bytes = models.BigIntegerField(_("memory"), default=0)
    speed = models.FloatField(null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=DeviceState.choices, default=DeviceState.JOINING)
    drained_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    drain_reason = models.CharField(_("drain reason"), max_length=200, blank=True)
    draining = models.BooleanField(default=False)
    """a user wants no new jobs here; `state` follows"""
    fence = models.BigIntegerField(default=0, editable=False)
    address = models.CharField(max_length=200, blank=True)
    interface = models.CharField(max_length=60, blank=True)
    process = models.JSONField(default=dict, editable=False)
    """identity of the agent that speaks for this device"""
    environment_hash = models.CharField(max_length=64, blank=True, editable=False)
    """of the environment that this device's agent sent last; the host keeps the facts"""
    last_seen_at = models.DateTimeField(null=True, editable=False)
    last_ring_at = models.DateTimeField(null=True, editable=False)
    reading = models.JSONField(default=dict, editable=False)
    """the last `system/…` values, for lists"""
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["host", "kind", "index"], condition=Q(removed_at__isnull=True), name="one_device_a_place"
            )
        ]

    def __str__(self):
        return self.slug

    @property
    def queue(self) -> str:
        """The Celery queue to which the agent of this device alone listens."""
        return f"device.{self.pk}"


class Reading(models.Model):
    """Utilisation of a device at a moment: raw for 15 min, then thinned."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    values = models.JSONField()
    """{system/cpu_percent: …, …} as in the metric store"""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "at"], name="one_reading_a_moment")]

    def __str__(self):
        return f"{self.device} {self.at:%H:%M:%S}"


class EnrolmentToken(models.Model):
    """Lets one host in, once, for 15 minutes."""

    digest = models.CharField(max_length=128, unique=True)
    host = models.ForeignKey(Host, models.CASCADE, null=True, related_name="enrolment_tokens")
    device = models.ForeignKey(Device, models.CASCADE, null=True, related_name="enrolment_tokens")
    """set: the token belongs to a row that was added beforehand, and turns that very row online"""
    labels = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.device or self.host or ''} {self.created_at:%Y-%m-%d %H:%M}".strip()


class Credential(models.Model):
    """What a device proves itself by. `fld_…`; only its digest is kept."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="credentials")
    digest = models.CharField(max_length=128, unique=True)
    broker_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the password of its user at the broker"""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    """set when it was rotated: it lives on for an hour"""
    revoked_at = models.DateTimeField(null=True)

    def __str__(self):
        return str(self.device)


class Lease(models.Model):
    """The right of one attempt or errand to one device until a time.

    The holder is named by id only: attempts and errands live upstairs, in `jobs`.
    """

    device = models.ForeignKey(Device, models.PROTECT, related_name="leases")
    attempt_id = models.BigIntegerField(null=True, db_index=True)
    errand_id = models.BigIntegerField(null=True, db_index=True)
    fence = models.BigIntegerField()
    acquired_at = models.DateTimeField()
    """never before the lease before it ended, whatever the clock says meanwhile"""
    renewed_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    healthy_ticks = models.PositiveIntegerField(default=0)
    """healthy ticks of the reconciler since the last renewal (rule R6)"""
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device"], condition=Q(released_at__isnull=True), name="one_live_lease")
        ]

    def __str__(self):
        return f"{self.device} #{self.fence}"
