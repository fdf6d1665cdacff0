"""Hosts and devices in `/admin/`: adding one shows its join command; history is read-only."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.asking_admin import AskingAdmin, ReadOnlyAdmin
from contract.problems import Invalid
from devices import enrolment, joining, leases, services
from devices.models import Device, EnvironmentChange, Host, Lease, Reading

READ_ONLY = ["slug", "state", "kind", "index", "label", "memory_bytes", "cores", "last_seen_at", "drained_by"]
READ_ONLY += ["drain_reason", "address", "fence"]


class DeviceForm(forms.ModelForm):
    """Name, host and labels; everything else a device says itself."""

    host_name = forms.CharField(label=_("Host"), max_length=120, help_text=_("The machine that it belongs to."))
    label_list = forms.CharField(label=_("Labels"), required=False, help_text=_("Separated by commas."))

    class Meta:
        model = Device
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["host_name"]
            self.fields["label_list"].initial = ", ".join(self.instance.labels)

    def clean_label_list(self) -> list[str]:
        try:
            return services.checked_labels(self.cleaned_data["label_list"].split(","))
        except Invalid as invalid:
            raise forms.ValidationError([str(problem) for problem in invalid.problems]) from invalid


@admin.register(Device)
class DeviceAdmin(AskingAdmin):
    form = DeviceForm
    list_display = ["name", "host", "state", "kind", "label", "last_seen_at"]
    list_filter = ["state", "kind", "host"]
    search_fields = ["name", "slug", "host__name", "label"]
    actions = ["drain", "resume", "new_join_token", "remove"]
    verb = "register"
    audited_by_service = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        return super().get_queryset(request).filter(removed_at=None).select_related("host")

    def get_fields(self, request: HttpRequest, obj: Device | None = None) -> Any:
        return ["name", "label_list", "host", *READ_ONLY] if obj else ["name", "host_name", "label_list"]

    def get_readonly_fields(self, request: HttpRequest, obj: Device | None = None) -> Any:
        return ["host", *READ_ONLY] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Devices are removed by the action, so that their history stays."""
        return False

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:
        given = form.cleaned_data
        if change:
            services.change(obj, request.user, name=given["name"], labels=given["label_list"], via="admin")
            return
        made = services.add(given["name"], given["host_name"], request.user, labels=given["label_list"], via="admin")
        for field in Device._meta.concrete_fields:
            setattr(obj, field.attname, getattr(made, field.attname))

    def response_add(self, request: HttpRequest, obj: Device, post_url_continue: str | None = None) -> HttpResponse:
        return self.join_page(request, obj)

    def join_page(self, request: HttpRequest, device: Device) -> HttpResponse:
        """The command with a fresh token, in this answer only."""
        token = enrolment.make_token(request.user, device=device, via="admin")
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Join %(name)s") % {"name": device.name},
            "device": device,
            "commands": joining.commands(request, token),
            "out_of_reach": joining.why_out_of_reach(request),
            "minutes": int(enrolment.TOKEN_LIFE.total_seconds() // 60),
        }
        return TemplateResponse(request, "admin/devices/join.html", context)

    @admin.action(description=_("Drain: finish the current job, take no more"))
    def drain(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        done = sum(services.drain(device, request.user, via="admin") for device in queryset)
        sentence = ngettext("%(n)s device takes no new jobs now.", "%(n)s devices take no new jobs now.", done)
        messages.success(request, sentence % {"n": done})

    @admin.action(description=_("Resume: take jobs again"))
    def resume(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        done = sum(services.resume(device, request.user, via="admin") for device in queryset)
        sentence = ngettext("%(n)s device takes jobs again.", "%(n)s devices take jobs again.", done)
        messages.success(request, sentence % {"n": done})

    @admin.action(description=_("New join token"))
    def new_join_token(self, request: HttpRequest, queryset: QuerySet[Device]) -> HttpResponse | None:
        if queryset.count() != 1:
            messages.error(request, gettext("Choose one device: a join token belongs to one."))
            return None
        return self.join_page(request, queryset.get())

    @admin.action(description=_("Remove"))
    def remove(self, request: HttpRequest, queryset: QuerySet[Device]) -> HttpResponse:
        """Asks first, naming what runs on each."""
        if "confirmed" not in request.POST:
            effects = [(device, leases.holder(device)) for device in queryset]
            context = {**self.admin_site.each_context(request), "title": gettext("Remove devices"), "effects": effects}
            return TemplateResponse(request, "admin/devices/remove.html", context)
        for device in queryset:
            services.remove(device, request.user, force=True, via="admin")
        messages.success(request, gettext("Removed."))
        return HttpResponseRedirect(request.get_full_path())


@admin.register(Host)
class HostAdmin(AskingAdmin):
    list_display = ["name", "platform", "agent_version", "environment_at"]
    search_fields = ["name"]
    fields = ["name", "platform", "agent_version", "environment", "environment_at"]
    readonly_fields = ["platform", "agent_version", "environment", "environment_at"]


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ["device", "attempt_id", "errand_id", "fence", "acquired_at", "expires_at", "released_at"]
    search_fields = ["device__slug"]


@admin.register(Reading)
class ReadingAdmin(ReadOnlyAdmin):
    list_display = ["device", "at", "values"]
    list_filter = ["device"]


@admin.register(EnvironmentChange)
class EnvironmentChangeAdmin(ReadOnlyAdmin):
    list_display = ["host", "at", "changes"]
    list_filter = ["host"]
