"""Jobs in `/admin/`: name, tags and priority can be changed, everything that happened can be looked at."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.asking_admin import AskingAdmin, ReadOnlyAdmin
from accounts.requests import signed_in
from contract.problems import Invalid
from jobs import services
from jobs.models import Artifact, Attempt, Checkpoint, Errand, Evaluation, Job, Rank, Transition

CHANGEABLE = ["name", "tags", "priority", "archived"]


class HistoryInline(admin.TabularInline):
    """Rows that belong to a job or attempt and cannot be changed."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True


class TransitionInline(HistoryInline):
    model = Transition
    fk_name = "job"
    fields = ["number", "from_state", "to_state", "actor", "user", "reason", "at"]


class AttemptInline(HistoryInline):
    model = Attempt
    fields = ["number", "state", "world_size", "resumed_from_step", "end_reason", "started_at", "ended_at"]


class RankInline(HistoryInline):
    model = Rank
    fields = ["rank", "device", "fence", "stage", "step", "last_batch", "acknowledged_at", "gone_at"]


@admin.register(Job)
class JobAdmin(AskingAdmin):
    list_display = ["id", "name", "state", "wait_reason", "end_reason", "owner", "priority", "demo", "created_at"]
    list_display_links = ["id", "name"]
    list_filter = ["state", "demo", "archived", "project"]
    search_fields = ["name", "id", "owner__username", "version__dataset__slug"]
    list_select_related = ["owner"]
    actions = ["stop", "try_again", "remove"]
    inlines = [TransitionInline, AttemptInline]
    audited_by_service = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return super().get_queryset(request).filter(removed_at=None)

    def get_fields(self, request: HttpRequest, obj: Job | None = None) -> Any:
        return [*CHANGEABLE, *self.get_readonly_fields(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> list[str]:
        return [field.name for field in Job._meta.fields if field.name not in CHANGEABLE]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A job needs its data checked and prepared: the form and REST do that."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Jobs are hidden by the action, so that their history stays."""
        return False

    def save_model(self, request: HttpRequest, obj: Job, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            services.change(Job.objects.get(pk=obj.pk), signed_in(request), via="admin", **fields)
        except Invalid as invalid:
            messages.error(request, " ".join(gettext(p.sentence) % p.params for p in invalid.problems))

    @admin.action(description=_("Stop"))
    def stop(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, lambda job: services.cancel(job, signed_in(request), via="admin"))

    @admin.action(description=_("Try again"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, lambda job: services.retry(job, signed_in(request), via="admin"))

    @admin.action(description=_("Remove"))
    def remove(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, lambda job: services.remove(job, signed_in(request), via="admin"))

    def _each(self, request: HttpRequest, queryset: QuerySet[Job], verb: Any) -> None:
        """Do it to those that allow it; the others keep their sentence."""
        done = 0
        for job in queryset:
            try:
                verb(job)
                done += 1
            except services.Refused as refused:
                messages.warning(request, f"{job}: {refused}")
        sentence = ngettext("Done for %(n)s job.", "Done for %(n)s jobs.", done)
        messages.success(request, sentence % {"n": done})


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ["job", "number", "state", "world_size", "resumed_from_step", "end_reason", "started_at", "ended_at"]
    list_filter = ["state", "end_reason"]
    search_fields = ["job__name", "job__id"]
    list_select_related = ["job"]
    inlines = [RankInline]


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = ["job", "number", "from_state", "to_state", "actor", "user", "reason", "at"]
    list_filter = ["to_state", "actor", "reason"]
    search_fields = ["job__name", "job__id"]
    list_select_related = ["job", "user"]


@admin.register(Errand)
class ErrandAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "device", "state", "owner", "created_at", "ended_at"]
    list_filter = ["kind", "state", "device"]


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ["job", "step", "state", "bytes", "created_at"]
    list_filter = ["state"]
    search_fields = ["job__name", "job__id"]


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    list_display = ["job", "name", "format", "bytes", "verified_at", "error"]
    list_filter = ["format"]
    search_fields = ["job__name", "name", "sha256"]


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    list_display = ["job", "device", "artifact", "split", "samples", "at"]
    list_filter = ["split", "device"]
    search_fields = ["job__name", "artifact"]
