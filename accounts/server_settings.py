"""The settings of the whole server that an admin changes in place, with their defaults. Written by `services`."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Setting


@dataclass(frozen=True)
class Known:
    default: Any
    label: Any


KNOWN: dict[str, Known] = {
    "viewer_downloads": Known(False, _("Viewers may download artifacts and exports")),
    "url_import": Known(False, _("Data may be imported from URLs")),
    "open_docs": Known(False, _("API schema and docs are readable without signing in")),
}


def value_of(key: str) -> Any:
    """The value that holds now. KeyError for a key that no code knows."""
    default = KNOWN[key].default
    row = Setting.objects.filter(key=key).first()
    return default if row is None else row.value


def all_values() -> dict[str, Any]:
    """Every known setting with the value that holds now."""
    changed = dict(Setting.objects.filter(key__in=KNOWN).values_list("key", "value"))
    return {key: changed.get(key, known.default) for key, known in KNOWN.items()}
