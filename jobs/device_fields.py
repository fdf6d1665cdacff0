"""The fields of a new job about its devices: how many, what they share and must be like, what happens without one."""

from django.utils.translation import gettext_lazy as _

from jobs.spec_choices import KIND_CHOICES, OUTER_CHOICES, SHARE_CHOICES, STRATEGY_CHOICES, YES_NO_CHOICES
from jobs.spec_field import SpecField

DEVICE_FIELDS = (
    SpecField("devices.count", _("How many"), _("Any that are online; the job waits until so many are free."), "whole"),
    SpecField("parallel.strategy", _("How they share the model"), "", "choice", choices=STRATEGY_CHOICES),
    SpecField(
        "parallel.shares",
        _("Shares of a batch"),
        _("By speed: faster devices take more of every batch; results then differ in the last digits from run to run."),
        "choice",
        choices=SHARE_CHOICES,
    ),
    SpecField(
        "parallel.sync_every",
        _("Meet every"),
        _("Local SGD: steps between two meetings. More steps, less traffic."),
        "whole",
        _("10 to 500"),
    ),
    SpecField("parallel.outer", _("At a meeting"), _("Local SGD only."), "choice", choices=OUTER_CHOICES),
)
NEED_FIELDS = (
    SpecField("devices.kind", _("Kind"), "", "choice", choices=KIND_CHOICES),
    SpecField(
        "devices.labels",
        _("Labels"),
        _("Each device must carry all of these, with commas between. Labels are set when a device is added."),
        "words",
    ),
    SpecField(
        "devices.min_memory_bytes", _("Memory in GiB"), _("Each device must have at least this much. 0: any."), "gib"
    ),
)
LOSS_FIELDS = (
    SpecField(
        "schedule.min_devices",
        _("Go on with at least"),
        _("When devices are lost and none is free: how many are enough. The global batch stays. 0: wait for all."),
        "whole",
        _("half of them"),
    ),
    SpecField(
        "schedule.preemptible",
        _("May give way"),
        _("Leaves its devices at a checkpoint for a job of higher priority, and goes on later."),
        "switch",
        choices=YES_NO_CHOICES,
    ),
)
