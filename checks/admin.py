"""Tests of the fleet in the admin: looked at only."""

from django.contrib import admin

from accounts.asking_admin import ReadOnlyAdmin
from checks.models import FleetTest


@admin.register(FleetTest)
class FleetTestAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "owner", "version", "commit", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["owner"]
