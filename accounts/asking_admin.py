"""What every admin page of ours does: ask `may`, write the audit log, and leave history alone."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts import audit
from accounts.permissions import may


class AskingAdmin(admin.ModelAdmin):
    """Allowed is what `may` allows; what was added, changed or deleted here is in the audit log.

    `audited_by_service`: the services that this admin calls write the entries themselves.
    """

    verb = "manage"
    audited_by_service = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, self.verb)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, self.verb)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request.user, self.verb)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, self.verb)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, self.verb)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, "added", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._record(request, "deleted", obj)
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, verb: str, obj: Model, message: Any = None) -> None:
        if self.audited_by_service:
            return
        fields = [field for item in message or () for field in item.get("changed", {}).get("fields", [])]
        after = {"fields": fields} if fields else {}
        audit.record(request.user, verb, obj, via="admin", after=after, address=audit.address_of(request))


class ReadOnlyAdmin(AskingAdmin):
    """History: it can be looked at and nothing else."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
