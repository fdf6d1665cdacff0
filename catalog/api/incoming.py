"""What a body names as the source of data, and what it decides about the import."""

import shutil
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from catalog import services
from catalog.imports.options import NAMES
from catalog.services import sources, web_sources
from contract.problems import Invalid, Problem, gettext_noop

SOURCES = ("file", "upload", "builtin", "directory", *web_sources.NAMES)
FIELDS = {*SOURCES, *NAMES, "take", "review"}
REVIEWS = {"true": "always", "false": "never"}
"""as programs say it, beside the names of `services.REVIEWS`; of a form as text"""
SPACE_LEFT_BYTES = 256 * 2**20


class DoesNotFit(APIException):
    status_code = 413


def refuse_without_space(request) -> None:
    """Before the body is read."""
    free = shutil.disk_usage(settings.FLEETUNE_HOME).free
    if int(request.META.get("CONTENT_LENGTH") or 0) + SPACE_LEFT_BYTES > free:
        sentence = _("The upload does not fit: %(free)s MiB are free on the server.")
        raise DoesNotFit(sentence % {"free": free // 2**20})


def source_of(request, body: dict[str, Any]) -> sources.Source | None:
    """None when the body names no source. Raises Invalid when it names several, or one that is of no use."""
    named = [name for name in SOURCES if body.get(name) not in (None, "")]
    if len(named) > 1:
        sentence = gettext_noop("Name one source of data, not several: %(named)s.")
        raise Invalid([Problem(named[1], sentence, {"named": ", ".join(named)})])
    if not named:
        return None
    (name,) = named
    if name in web_sources.NAMES:
        return web_sources.source(body)
    if name == "file":
        return sources.file(body["file"]) if hasattr(body["file"], "chunks") else None
    if name == "upload":
        return sources.upload(request.user, body["upload"])
    return sources.directory(body["directory"]) if name == "directory" else sources.builtin(body["builtin"])


def review_of(body: dict[str, Any]) -> str:
    """Whether the import waits before it is a version: of true, false (the default) or a name. Raises Invalid."""
    given = str(body.get("review") or "never").casefold()
    review = REVIEWS.get(given, given)
    if review not in services.REVIEWS:
        sentence = gettext_noop('Expected true, false, or "unclear": only when something had to be guessed.')
        raise Invalid([Problem("review", sentence)])
    return review


def no_source() -> Invalid:
    sentence = gettext_noop("Send an archive or a table as 'file', or name an 'upload', or a 'builtin': %(known)s.")
    return Invalid([Problem("file", sentence, {"known": ", ".join(services.BUILTINS)})])
