"""Sweeps: one spec, some of its settings varied, a job for each trial."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from jobs.models import Job


class SweepState(models.TextChoices):
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    FINISHED = "finished", _("Finished")
    STOPPED = "stopped", _("Stopped")
    FAILED = "failed", _("Failed")


OPEN = (SweepState.RUNNING, SweepState.PAUSED)


class TrialState(models.TextChoices):
    RUNNING = "running", _("Running")
    COMPLETE = "complete", _("Complete")
    PRUNED = "pruned", _("Stopped early")
    FAILED = "failed", _("Failed")


class Sweep(models.Model):
    """A search over settings of one job spec."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="sweeps")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="sweeps")
    name = models.CharField(_("name"), max_length=120)
    plan = models.JSONField()
    """as `sweeps.plan.Plan.to_json` writes it: base spec, space, algorithm, metric, goal, trials, parallel, seed"""
    state = models.CharField(max_length=10, choices=SweepState.choices, default=SweepState.RUNNING)
    reason = models.TextField(blank=True)
    """why it failed: what its trials ended with"""
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"sweep {self.pk} {self.name}"


class Trial(models.Model):
    """One choice of settings and the job that tries it."""

    sweep = models.ForeignKey(Sweep, models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    params = models.JSONField()
    """{path in the spec: value}"""
    job = models.OneToOneField(Job, models.PROTECT, null=True, related_name="sweep_trial")
    state = models.CharField(max_length=10, choices=TrialState.choices, default=TrialState.RUNNING)
    value = models.FloatField(null=True)
    """of the metric: the last one; of a trial that was stopped early, the one it was stopped at"""
    looks = models.JSONField(default=dict)
    """{how many evaluations: value of the metric}"""
    notes = models.JSONField(default=dict)
    """what the pruner keeps of a trial between two looks"""

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["sweep", "number"], name="one_trial_a_number")]

    def __str__(self):
        return f"trial {self.number} of {self.sweep}"
