"""The settings of the whole server that an admin changes in place, with their defaults. Written by `services`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Setting
from contract.problems import Problem, gettext_noop

LONGEST = 4000


@dataclass(frozen=True)
class Known:
    default: Any
    """true or false, or text"""
    label: Any
    help: Any = ""
    problem: Callable[[str], tuple[str, dict[str, Any]] | None] = lambda text: None
    """what is wrong with a text: a sentence and its parameters"""


def _not_a_host(text: str) -> tuple[str, dict[str, Any]] | None:
    for name in text.split():
        if not re.fullmatch(r"[a-z0-9.-]+(:[0-9]{1,5})?|[0-9a-f:]+", name):
            sentence = gettext_noop("'%(name)s' is no host. Write it like intranet.example or intranet.example:8080.")
            return sentence, {"name": name[:80]}
    return None


def _not_ascii(text: str) -> tuple[str, dict[str, Any]] | None:
    """It becomes part of a header of HTTP."""
    return None if text.isascii() else (gettext_noop("Write it in plain letters, digits and signs (ASCII)."), {})


KNOWN: dict[str, Known] = {
    "viewer_downloads": Known(False, _("Viewers may download artifacts and exports")),
    "url_import": Known(False, _("Data may be imported from URLs and S3 storage")),
    "web_hosts": Known(
        "",
        _("Hosts inside your network that may be fetched from"),
        _("One a line, like intranet.example or intranet.example:8080. Everything else must be public."),
        _not_a_host,
    ),
    "web_contact": Known(
        "",
        _("Contact that the fetcher tells the sites it asks"),
        _("An e-mail address or a page, so that whoever runs a site can reach you."),
        _not_ascii,
    ),
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


def problem_of(key: str, value: Any) -> Problem | None:
    """What is wrong with `value` for a known setting."""
    known = KNOWN[key]
    if isinstance(known.default, bool):
        return None if isinstance(value, bool) else Problem(key, gettext_noop("Expected true or false."))
    if (
        not isinstance(value, str)
        or len(value) > LONGEST
        or not value.replace("\n", "").replace("\r", "").isprintable()
    ):
        return Problem(key, gettext_noop("Expected text of at most %(most)s characters."), {"most": LONGEST})
    wrong = known.problem(value)
    return Problem(key, *wrong) if wrong else None
