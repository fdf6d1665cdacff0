"""Tests of the fleet: which devices were asked to do what, and under which release. What came out is in the errands."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from devices.models import Device
from jobs.models import Errand, Job


class Kind(models.TextChoices):
    """What is found out."""

    FIT = "fit", _("Do the devices fit together?")
    SPEED = "speed", _("Do more devices help?")


class FleetTest(models.Model):
    """One press of the button."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="fleet_tests")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="fleet_tests")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+")
    """whose model and data the devices were given; none: a small net on `dataset`"""
    dataset = models.CharField(max_length=140)
    artifact = models.CharField(max_length=120, blank=True)
    version = models.CharField(max_length=40)
    commit = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"fleet test {self.pk}"


class TestedDevice(models.Model):
    """One device of a test, in the order in which it was asked."""

    test = models.ForeignKey(FleetTest, models.CASCADE, related_name="devices")
    device = models.ForeignKey(Device, models.PROTECT, related_name="+")
    errand = models.OneToOneField(Errand, models.PROTECT, null=True, related_name="+")
    """none for a device that could not be asked"""
    away = models.CharField(max_length=10, blank=True)
    """its state, for one that could not be asked: offline or draining"""
    environment = models.JSONField(default=dict)
    """of its host, as it was then"""

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["test", "device"], name="one_device_once_a_test")]

    def __str__(self):
        return f"{self.device} in {self.test}"
