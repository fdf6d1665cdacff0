"""Base models in `/admin/`: looked at, and removed through the service that pages and REST use."""

from django.contrib import admin, messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.asking_admin import ReadOnlyAdmin
from accounts.audit import address_of
from catalog.base_models import services
from catalog.models import BaseModel
from catalog.services.datasets import InUse


@admin.register(BaseModel)
class BaseModelAdmin(ReadOnlyAdmin):
    list_display = ["slug", "name", "family", "parameters", "state", "licence", "owner", "project", "removed_at"]
    list_filter = ["state", "family", "project"]
    search_fields = ["slug", "name", "content_hash"]
    actions = ["remove"]

    @admin.action(description=gettext_lazy("Remove the chosen models"), permissions=["view"])
    def remove(self, request, queryset) -> None:
        for model in queryset:
            try:
                services.remove(model, actor=request.user, via="admin", address=address_of(request))
            except InUse as error:
                text = _("%(model)s is used by %(users)s.") % {"model": model, "users": str(error)}
                self.message_user(request, text, messages.ERROR)
