"""Sweeps in the admin: looked at; started and stopped on their pages."""

from django.contrib import admin

from accounts.asking_admin import ReadOnlyAdmin
from sweeps.models import Sweep, Trial


@admin.register(Sweep)
class SweepAdmin(ReadOnlyAdmin):
    list_display = ["id", "name", "state", "owner", "created_at", "ended_at"]
    list_filter = ["state"]
    list_select_related = ["owner"]


@admin.register(Trial)
class TrialAdmin(ReadOnlyAdmin):
    list_display = ["sweep", "number", "job", "state", "value"]
    list_select_related = ["sweep", "job"]
