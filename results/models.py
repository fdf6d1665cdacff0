"""Results: what jobs left, as named models with numbered versions, and what devices say of them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from catalog.models import Dataset, PreparedData
from devices.models import Device
from jobs.models import Errand, Job


class Stage(models.TextChoices):
    """How far people trust a version."""

    CANDIDATE = "candidate", _("Candidate")
    APPROVED = "approved", _("Approved")
    RETIRED = "retired", _("Retired")


class Result(models.Model):
    """A model by name. Jobs of one project that carry the same name make versions of one result."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="results")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="results")
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    task = models.CharField(_("task"), max_length=40)
    requirements = models.JSONField(default=list)
    """limits that every version is held against, as `contract.requirement` reads them"""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["project", "name", "task"], name="one_result_a_name")]

    def __str__(self):
        return self.slug


class ResultVersion(models.Model):
    """What one job left. Its files and first evaluations are the job's."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    job = models.OneToOneField(Job, models.PROTECT, related_name="result_version")
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.CANDIDATE)
    stage_reason = models.CharField(max_length=400, blank=True)
    staged_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    staged_at = models.DateTimeField(null=True)
    code = models.JSONField(default=dict)
    """the release that the server ran when it was made: version and commit; empty for older ones"""
    card = models.TextField(blank=True)
    """Markdown that a person wrote; empty = the card that the job made from facts"""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["result", "number"], name="one_result_version_a_number")]

    def __str__(self):
        return f"{self.result} v{self.number}"

    @property
    def project(self) -> Project:
        """Whoever may see the project may see it."""
        return self.result.project

    @property
    def owner_id(self) -> int:
        """Whoever started the job may change what is said of it."""
        return self.job.owner_id


class Measurement(models.Model):
    """Weights of a job, run on one device over one split, by an errand whose answer is kept as it came."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="measurements")
    device = models.ForeignKey(Device, models.PROTECT, related_name="+")
    errand = models.OneToOneField(Errand, models.PROTECT, related_name="measurement")
    artifact = models.CharField(max_length=120)
    """the name of a file; or, in its place, what `results.asked_model` calls the model before training, or a
    checkpoint"""
    step = models.BigIntegerField(null=True)
    """of the checkpoint"""
    sha256 = models.CharField(max_length=64)
    """of the very bytes that were run"""
    prepared = models.ForeignKey(PreparedData, models.PROTECT, related_name="+")
    """the job's own data, or another dataset made to be shown to its model"""
    split = models.CharField(max_length=20)
    foreign = models.ForeignKey(PreparedData, models.PROTECT, null=True, related_name="+")
    """a dataset that the model was asked to tell from its own"""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.artifact} of {self.job} on {self.device}"

    @property
    def version(self) -> ResultVersion | None:
        """What became of the job; None while it runs, and when it left no result."""
        return getattr(self.job, "result_version", None)

    @property
    def is_of_own_data(self) -> bool:
        return self.prepared_id == self.job.prepared_id

    @property
    def dataset(self) -> Dataset:
        """Of the samples: it decides who may see them."""
        return self.prepared.version.dataset
