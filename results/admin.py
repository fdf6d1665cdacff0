"""Results in the admin: looked at; what people decide goes through the pages, which ask for a reason."""

from django.contrib import admin

from accounts.asking_admin import ReadOnlyAdmin
from results.models import Measurement, Result, ResultVersion


@admin.register(Result)
class ResultAdmin(ReadOnlyAdmin):
    list_display = ["slug", "name", "task", "owner", "created_at"]
    search_fields = ["slug", "name"]
    list_select_related = ["owner"]


@admin.register(ResultVersion)
class ResultVersionAdmin(ReadOnlyAdmin):
    list_display = ["result", "number", "job", "stage", "staged_by", "staged_at"]
    list_filter = ["stage"]
    list_select_related = ["result", "job", "staged_by"]


@admin.register(Measurement)
class MeasurementAdmin(ReadOnlyAdmin):
    list_display = ["job", "artifact", "step", "prepared", "split", "device", "created_at"]
    list_select_related = ["job", "prepared__version__dataset", "prepared__recipe", "device"]
