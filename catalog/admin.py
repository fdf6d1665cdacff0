"""The catalog in `/admin/`: names and marks can be changed, datasets removed; versions and prepared data only read.

Everything goes through the services that pages and REST use, and so into the audit log.
"""

from typing import Any

from django.contrib import admin, messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import address_of
from catalog import services
from catalog.base_models.admin import BaseModelAdmin as BaseModelAdmin  # its import registers it
from catalog.models import Dataset, DatasetVersion, KeptRecipe, PreparedData, Readiness, Recipe
from catalog.services import kept_recipes
from contract.problems import Invalid


class History(admin.ModelAdmin):
    """Rows that nobody adds, changes or deletes by hand."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):
    list_display = ["slug", "name", "task", "state", "owner", "project", "sensitive", "created_at", "removed_at"]
    list_filter = ["state", "task", "project", "sensitive"]
    search_fields = ["slug", "name"]
    readonly_fields = ["slug", "task", "state", "progress", "error", "source", "owner", "project", "demo",
                       "created_at", "removed_at", "removed_by"]  # fmt: skip
    fields = ["name", "sensitive", *readonly_fields]
    actions = ["remove"]

    def has_add_permission(self, request) -> bool:
        return False  # data comes in through Add data or REST: an import is more than a row

    def has_delete_permission(self, request, obj=None) -> bool:
        return False  # the action below hides it, as everywhere

    def save_model(self, request, obj: Dataset, form, change: bool) -> None:
        stored = Dataset.objects.get(pk=obj.pk)
        told = {"actor": request.user, "via": "admin", "address": address_of(request)}
        try:
            services.rename(stored, obj.name, **told)
            services.set_sensitive(stored, obj.sensitive, **told)
        except Invalid as error:
            self.message_user(request, str(error), messages.ERROR)

    @admin.action(description=gettext_lazy("Remove the chosen datasets"))
    def remove(self, request, queryset) -> None:
        for dataset in queryset:
            try:
                services.remove(dataset, actor=request.user, via="admin", address=address_of(request))
            except services.InUse as error:
                text = _("%(dataset)s is used by %(users)s.") % {"dataset": dataset, "users": str(error)}
                self.message_user(request, text, messages.ERROR)


@admin.register(DatasetVersion)
class DatasetVersionAdmin(History):
    list_display = ["dataset", "number", "short_hash", "items", "bytes", "created_at"]
    search_fields = ["dataset__slug", "content_hash"]

    @admin.display(description=gettext_lazy("hash"))
    def short_hash(self, version: DatasetVersion) -> str:
        return version.content_hash[:12]


@admin.register(Recipe)
class RecipeAdmin(History):
    list_display = ["hash", "in_words", "created_at"]
    search_fields = ["hash"]

    @admin.display(description=gettext_lazy("steps"))
    def in_words(self, recipe: Recipe) -> str:
        return ", ".join(step["step"] for step in recipe.steps)


@admin.register(KeptRecipe)
class KeptRecipeAdmin(History):
    """Made on the pages of data, and over REST; renamed and removed here or there."""

    list_display = ["name", "in_words", "owner", "project", "created_at"]
    list_filter = ["project"]
    search_fields = ["name", "owner__username"]
    fields = ["name", "in_words", "owner", "project"]
    readonly_fields = ["in_words", "owner", "project"]

    @admin.display(description=gettext_lazy("steps"))
    def in_words(self, kept: KeptRecipe) -> str:
        return ", ".join(step["step"] for step in kept.recipe.steps)

    def has_change_permission(self, request, obj=None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def save_model(self, request, obj: KeptRecipe, form, change: bool) -> None:
        stored = KeptRecipe.objects.get(pk=obj.pk)
        try:
            kept_recipes.rename(stored, obj.name, request.user, via="admin", address=address_of(request))
        except Invalid as error:
            self.message_user(request, str(error), messages.ERROR)

    def delete_model(self, request, obj: KeptRecipe) -> None:
        kept_recipes.forget(obj, request.user, via="admin", address=address_of(request))

    def delete_queryset(self, request, queryset) -> None:
        for kept in queryset:
            self.delete_model(request, kept)


@admin.register(PreparedData)
class PreparedDataAdmin(History):
    list_display = ["version", "recipe", "state", "hash", "bytes", "seconds", "created_at"]
    list_filter = ["state"]
    search_fields = ["hash", "version__dataset__slug"]


@admin.register(Readiness)
class ReadinessAdmin(History):
    list_display = ["device", "prepared", "hash", "wanted_at", "at"]
    list_filter = ["device"]

    def get_queryset(self, request) -> Any:
        return super().get_queryset(request).select_related("device", "prepared__version__dataset", "prepared__recipe")
