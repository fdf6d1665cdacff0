"""People, projects, tokens, server settings and the audit log in `/admin/`."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit, server_settings, services
from accounts.asking_admin import AskingAdmin, ReadOnlyAdmin
from accounts.models import AuditEntry, Membership, Project, Role, Setting, Token, User
from accounts.serializers import person_role

ROLES = [*Role.choices, ("admin", _("Admin"))]
KNOWN_SETTINGS = [(key, known.label) for key, known in server_settings.KNOWN.items()]
admin.site.unregister(Group)  # roles are held in projects: groups of permissions would say something else


class PersonForm(forms.ModelForm):
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, help_text=_("Admin is for the whole server."))

    class Meta:
        model = User
        fields = ["username", "first_name", "email", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["role"].initial = person_role(self.instance)


@admin.register(User)
class UserAdmin(AskingAdmin):
    """Who may come in. A person is kept out by taking "active" away: their jobs and history keep their name."""

    form = PersonForm
    list_display = ["username", "first_name", "role", "is_active", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    search_fields = ["username", "first_name", "email"]
    fields = ["username", "first_name", "email", "role", "is_active"]
    actions = ["make_signin_link"]
    audited_by_service = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Through the services; what they refuse is shown, and nothing of it is kept."""
        role = form.cleaned_data["role"]
        if not change:
            made = services.add_person(obj.username, role, request.user, via="admin")
            obj.pk, obj.password = made.pk, made.password
        User.objects.filter(pk=obj.pk).update(
            **{field: form.cleaned_data[field] for field in ("username", "first_name", "email")}
        )
        before = User.objects.get(pk=obj.pk)
        try:
            if change and role != person_role(before):
                services.set_role(before, role, request.user, via="admin")
            if before.is_active != obj.is_active:
                services.set_active(before, obj.is_active, request.user, via="admin")
        except services.Refused as refused:
            messages.error(request, gettext(str(refused)))

    @admin.display(description=_("Role"))
    def role(self, person: User) -> str:
        return str(dict(ROLES).get(person_role(person), "—"))

    @admin.action(description=_("Make a one-time sign-in link"))
    def make_signin_link(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse:
        """Shown in this answer only."""
        base = f"http://{settings.FLEETUNE_HOST}:{settings.FLEETUNE_PORT}"
        links = [(person, base + services.make_signin_link(person)) for person in queryset if person.is_active]
        for person, _link in links:
            audit.record(request.user, "sign-in link made", person, via="admin", address=audit.address_of(request))
        context = {**self.admin_site.each_context(request), "links": links, "title": gettext("One-time sign-in links")}
        return TemplateResponse(request, "admin/accounts/links.html", context)


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0


@admin.register(Project)
class ProjectAdmin(AskingAdmin):
    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [MembershipInline]


@admin.register(Membership)
class MembershipAdmin(AskingAdmin):
    list_display = ["user", "project", "role"]
    list_filter = ["project", "role"]
    search_fields = ["user__username"]


@admin.register(Token)
class TokenAdmin(ReadOnlyAdmin):
    """Tokens without their secret: that was shown once, to their owner."""

    list_display = ["name", "user", "scope", "expires_at", "last_used_at", "revoked_at"]
    list_filter = ["scope"]
    search_fields = ["name", "user__username"]
    fields = ["name", "user", "scope", "created_at", "expires_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    @admin.action(description=_("Revoke"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        address = audit.address_of(request)
        ended = [services.revoke_token(token, request.user, via="admin", address=address) for token in queryset]
        messages.success(request, gettext("%(count)s tokens were revoked.") % {"count": sum(ended)})


class SettingForm(forms.ModelForm):
    key = forms.ChoiceField(
        label=_("Setting"),
        choices=[(key, known.label) for key, known in server_settings.KNOWN.items() if known.default is False],
    )
    value = forms.BooleanField(label=_("On"), required=False)

    class Meta:
        model = Setting
        fields = ["key", "value"]


@admin.register(Setting)
class SettingAdmin(AskingAdmin):
    form = SettingForm
    list_display = ["key", "value"]
    audited_by_service = True

    def save_model(self, request: HttpRequest, obj: Setting, form: Any, change: bool) -> None:
        services.change_setting(obj.key, bool(form.cleaned_data["value"]), request.user, via="admin")
        obj.pk = Setting.objects.get(key=obj.key).pk


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ["at", "actor_name", "verb", "object_type", "object_name", "via", "address"]
    list_filter = ["via", "verb", "object_type"]
    search_fields = ["actor_name", "object_name", "reason"]
    date_hierarchy = "at"
