"""The audit log: who did what to what. Append only; each entry carries the hash of the one before.

Triggers of the database refuse UPDATE and DELETE; `verify` finds what was changed past them.
"""

import hashlib
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from accounts.models import AuditEntry, User

NO_HASH = "0" * 64
CHAIN_LOCK = 7_201_511
"""PostgreSQL advisory lock: entries are chained one after the other. SQLite has one writer anyway."""
HASHED = (
    "actor_id", "actor_name", "via", "verb", "object_type", "object_id", "object_name", "address", "before", "after",
    "reason", "previous_hash",
)  # fmt: skip
SECRET_WORDS = ("password", "secret", "token", "credential", "digest")
MASK = "•••"


def record(
    actor: Any,
    verb: str,
    obj: Model | None,
    *,
    via: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    address: str | None = None,
) -> AuditEntry:
    """Write one entry. `via` is page, api, admin, command or system; `actor` None is the server itself."""
    person = actor if isinstance(actor, User) else None
    entry = AuditEntry(
        at=timezone.now(),
        actor=person,
        actor_name=person.username if person else "",
        via=via,
        verb=verb,
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        object_name=str(obj)[:150] if obj is not None else "",
        address=address,
        before=_plain(before or {}),
        after=_plain(after or {}),
        reason=reason,
    )
    with transaction.atomic():
        _lock_chain()
        entry.previous_hash = AuditEntry.objects.order_by("-id").values_list("hash", flat=True).first() or NO_HASH
        entry.hash = hash_of(entry)
        entry.save(force_insert=True)
    return entry


def verify() -> AuditEntry | None:
    """The first entry that does not follow from the one before it, or None when the whole chain holds."""
    previous = NO_HASH
    for entry in AuditEntry.objects.order_by("id").iterator():
        if entry.previous_hash != previous or entry.hash != hash_of(entry):
            return entry
        previous = entry.hash
    return None


def hash_of(entry: AuditEntry) -> str:
    """SHA-256 over everything the entry says, the hash of the one before included."""
    content = {name: getattr(entry, name) for name in HASHED} | {"at": entry.at.isoformat()}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def address_of(request: Any) -> str | None:
    """Where a request came from, for the entry."""
    return request.META.get("REMOTE_ADDR") or None


def _lock_chain() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """What every database gives back as it was stored, with secrets masked. Numbers with a fraction become text."""
    text = json.dumps(_masked(values), cls=DjangoJSONEncoder)
    return json.loads(text, parse_float=str)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        hidden = {key for key in value if any(word in str(key).lower() for word in SECRET_WORDS)}
        return {str(key): MASK if key in hidden else _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value
