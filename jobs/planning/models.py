"""The table of predictions; it belongs to the app `jobs` like the others."""

from django.db import models


class Forecast(models.Model):
    """What was predicted of a job when it was submitted, and what it took (`jobs/planning`)."""

    job = models.OneToOneField("jobs.Job", models.CASCADE, related_name="forecast")
    likeness = models.CharField(max_length=64)
    """of all that decides how long a sample takes"""
    kinship = models.CharField(max_length=64)
    """of model and data alone"""
    basis = models.CharField(max_length=10, blank=True)
    """what it rests on: jobs, preflight or kin; "" = nothing was known"""
    predicted = models.JSONField(default=dict)
    """seconds of start, prepare, train, evaluate and export, the range of the whole; {} = nothing was known"""
    real = models.JSONField(default=dict)
    """the same seconds, and what is learnt from them; {} until it succeeded in its first attempt"""
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["likeness"], name="forecasts_of_likes"),
            models.Index(fields=["kinship"], name="forecasts_of_kin"),
        ]

    def __str__(self):
        return f"#{self.job_id} {self.basis}"
