"""How a host gets in: a token that works once, for 15 minutes, against one credential per device.

A token may belong to a host (its devices join that host) or to one device row added beforehand (that very row comes
online). Tokens are single use by a conditional update: of twenty at once exactly one wins.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import audit, secret_text
from contract.agent_calls import EnrolRequest
from devices import broker, hooks
from devices.environment import cleaned
from devices.models import Credential, Device, DeviceKind, DeviceState, EnrolmentToken, Host

TOKEN_LIFE = timedelta(minutes=15)
OVERLAP = timedelta(hours=1)
MOST_DEVICES = 64


class TokenRefused(Exception):
    """The token cannot be used: `status`, `code` and a sentence that says which way."""

    def __init__(self, status: int, code: str, sentence: str):
        self.status, self.code = status, code
        super().__init__(sentence)


class CannotEnrol(Exception):
    """The host's offer does not fit; the token stays usable."""


@dataclass(frozen=True)
class Secrets:
    """A device with what it proves itself by. The texts exist here only; the database holds digests."""

    device: Device
    credential: str
    broker_password: str


@transaction.atomic
def make_token(
    actor: Any, *, host: str = "", device: Device | None = None, labels: list[str] | None = None, via: str = "page"
) -> str:
    """A fresh enrolment token, for any host, for the host of this name, or for the row `device`."""
    owner = device.host if device else Host.objects.get_or_create(name=host)[0] if host else None
    text = secret_text.fresh(secret_text.ENROLMENT_PREFIX)
    token = EnrolmentToken.objects.create(
        digest=secret_text.digest(text),
        host=owner,
        device=device,
        labels=labels or [],
        created_by=actor,
        expires_at=timezone.now() + TOKEN_LIFE,
    )
    audit.record(actor, "join token made", device or owner or token, via=via)
    return text


@transaction.atomic
def withdraw_token(token: EnrolmentToken, actor: Any, *, via: str = "page") -> None:
    """It lets nobody in from now on."""
    if EnrolmentToken.objects.filter(pk=token.pk, used_at=None).update(expires_at=timezone.now()):
        audit.record(actor, "join token withdrawn", token, via=via)


@transaction.atomic
def enrol(request: EnrolRequest, *, address: str | None = None) -> list[Secrets]:
    """Let the host in with the devices that it offers. Raises TokenRefused or CannotEnrol; then nothing changed."""
    offers = _checked(request.devices)
    now = timezone.now()
    token = _spend(request.token, now)
    host = token.host or _new_host(request.host)
    facts = cleaned(request.environment)
    Host.objects.filter(pk=host.pk).update(
        environment=facts, environment_at=now, platform=str(facts.get("platform", ""))[:40]
    )
    own = _offer_for(token.device, offers)
    devices = [_place(token, host, offer, token.device if offer is own else None) for offer in offers]
    for device in devices:
        audit.record(token.created_by, "device joined", device, via="system", address=address)
    transaction.on_commit(hooks.tell_fleet_changed)
    return [_fresh_secrets(device, now, old_lives=timedelta(0)) for device in devices]


@transaction.atomic
def rotate(device: Device) -> Secrets:
    """A new credential; those before it live an hour more."""
    return _fresh_secrets(device, timezone.now(), old_lives=OVERLAP)


def unused_slug(*words: object) -> str:
    """A slug made of `words` that no device has or had."""
    base = slugify("-".join(str(word) for word in words))[:70] or "device"
    taken = set(Device.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)


def free_index(host: Host, kind: str) -> int:
    """The first place of this kind on the host that no device has."""
    taken = set(host.devices.filter(kind=kind, removed_at=None).values_list("index", flat=True))
    return next(index for index in range(len(taken) + 1) if index not in taken)


def broker_address(secrets: Secrets, asked_host: str) -> str:
    """Where and as whom this device reaches the broker. Call it after the commit: the broker's user is made here."""
    return broker.address_for(secrets.device, secrets.broker_password, asked_host=asked_host)


def _spend(text: str, now: datetime) -> EnrolmentToken:
    """The token, now used. The row count of the update says who won."""
    mine = EnrolmentToken.objects.filter(digest=secret_text.digest(text))
    won = mine.filter(used_at=None, expires_at__gt=now).update(used_at=now)
    token = mine.select_related("host", "device", "created_by").first()
    if token is None or not secret_text.matches(text, token.digest):
        sentence = _("This join token is not known here: it ran out long ago, or another server made it.")
        raise TokenRefused(410, "unknown-token", sentence)
    if won:
        return token
    if token.used_at:
        at = f"{token.used_at:%Y-%m-%d %H:%M:%S} UTC"
        raise TokenRefused(409, "token-used", _("This join token was already used at %(at)s.") % {"at": at})
    raise TokenRefused(410, "token-expired", _("This join token has expired. Make a new one: they live 15 minutes."))


def _new_host(name: str) -> Host:
    """A host of its own: a token that names no host must not speak for one that is there already."""
    base = name.strip()[:100] or "host"
    taken = set(Host.objects.filter(name__startswith=base).values_list("name", flat=True))
    free = next(name for name in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)
    return Host.objects.create(name=free)


def _offer_for(device: Device | None, offers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Which offer the row of the token stands for: the place it had when it joined before, else the first."""
    if device is None:
        return None
    places = {(offer["kind"], offer["index"]): offer for offer in offers}
    return (places.get((device.kind, device.index)) if device.credentials.exists() else None) or offers[0]


def _place(token: EnrolmentToken, host: Host, offer: dict[str, Any], row: Device | None) -> Device:
    """The row for one offered device: `row`, added beforehand, the one that was here before, or a new one."""
    place = {"kind": offer["kind"], "index": offer["index"]}
    there = Device.objects.filter(host=host, removed_at=None, **place).first()
    device = row or there
    if device and device.removed_at:
        raise CannotEnrol(_("%(device)s was removed. Add it again.") % {"device": device.slug})
    if there and device != there:
        _make_room(there)
    if device is None:
        word = "gpu" if offer["kind"] == DeviceKind.CUDA else offer["kind"]
        slug = unused_slug(host.name, word, offer["index"])
        device = Device(host=host, slug=slug, name=slug, labels=token.labels)
    for field, value in offer.items():
        setattr(device, field, value)
    device.state = DeviceState.OFFLINE if device.pk and device.last_seen_at else DeviceState.JOINING
    device.process, device.environment_hash = {}, ""
    device.save()
    return device


def _make_room(there: Device) -> None:
    """A row that never joined moves to the next free place; one that did is not replaced. Raises CannotEnrol."""
    if there.state != DeviceState.JOINING or there.credentials.exists():
        sentence = _("%(device)s of this host is already here. Remove it first, or make its own new join token.")
        raise CannotEnrol(sentence % {"device": there.slug})
    Device.objects.filter(pk=there.pk).update(index=free_index(there.host, there.kind))


def _fresh_secrets(device: Device, now: datetime, *, old_lives: timedelta) -> Secrets:
    older = device.credentials.filter(revoked_at=None, expires_at=None)
    if old_lives:
        older.update(expires_at=now + old_lives)
    else:
        device.credentials.filter(revoked_at=None).update(revoked_at=now)
    secrets = Secrets(device, secret_text.fresh(secret_text.CREDENTIAL_PREFIX), secret_text.fresh())
    Credential.objects.create(
        device=device,
        digest=secret_text.digest(secrets.credential),
        broker_digest=broker.password_digest(secrets.broker_password),
    )
    return secrets


def _checked(offers: Any) -> list[dict[str, Any]]:
    """The offered devices, every part of the kind it must be. Raises CannotEnrol."""
    if not isinstance(offers, list) or not 1 <= len(offers) <= MOST_DEVICES:
        raise CannotEnrol(_("A host offers 1 to %(most)s devices.") % {"most": MOST_DEVICES})
    checked = [_checked_offer(offer) for offer in offers]
    if len({(offer["kind"], offer["index"]) for offer in checked}) < len(checked):
        raise CannotEnrol(_("A host offers each device once."))
    return checked


def _checked_offer(offer: Any) -> dict[str, Any]:
    try:
        found = {
            "kind": str(DeviceKind(offer["kind"])),
            "index": _whole(offer["index"], 65_535),
            "label": str(offer.get("label", ""))[:200],
            "memory_bytes": _whole(offer.get("memory_bytes", 0), 2**50),
            "cores": [_whole(core, 65_535) for core in offer.get("cores", [])][:4096],
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        sentence = _("An offered device needs kind (cpu or cuda) and index; got: %(offer)s")
        raise CannotEnrol(sentence % {"offer": repr(offer)[:200]}) from error
    return found


def _whole(value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is not a whole number from 0 to {most}")
    return value
