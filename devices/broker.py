"""What a device may do at the broker: a user of its own that reaches the keys under the device's prefix and no others.

The server keeps SHA-256 digests of the users' passwords (the form in which Redis takes them), so it can make the users
again after the broker was restarted. A broker that lets us make no users is shared: then only the prefix keeps devices
apart, and the docs say so.
"""

import contextlib
import hashlib
import logging
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.lock import Lock
from redis.retry import Retry

from config.celery import broker_address
from devices.models import Device

log = logging.getLogger(__name__)

NOT_AN_ADDRESS = {"0.0.0.0", "::", "127.0.0.1", "localhost", "::1"}  # noqa: S104 - compared, not bound
"""what another machine cannot reach us by"""
GROUPS_OF_COMMANDS = ("connection", "transaction", "list", "set", "sortedset", "hash", "string")
COMMANDS = ("del", "exists", "expire", "pexpire", "type", "publish")
LISTENING = ("subscribe", "psubscribe", "unsubscribe", "punsubscribe")
RIGHTS = [
    *(f"+@{group}" for group in GROUPS_OF_COMMANDS),
    *(f"+{command}" for command in (*COMMANDS, *LISTENING)),
    *("-@admin", "-@dangerous", "-@scripting", "+evalsha"),
]
"""`evalsha` without `eval` and `script load`: Celery's transport ends its lock by a script, which the server loads. A
device can run no other script, and a script has no more rights than its caller."""


def key_prefix(device_id: int) -> str:
    """What every key and channel of this device begins with."""
    return f"fleetune:device:{device_id}:"


def user_name(device_id: int) -> str:
    return f"device-{device_id}"


def password_digest(password: str) -> str:
    """SHA-256 in hex: what `ACL SETUSER … #<digest>` takes."""
    return hashlib.sha256(password.encode()).hexdigest()


def address_for(device: Device, password: str, *, asked_host: str = "") -> str:
    """The broker address to hand to a device, made fit to be used now: with its own user where the broker has users.

    `asked_host` is the name by which the device reached this server; it stands in when the public address names none.
    """
    shared = _public_address(asked_host)
    try:
        grant(device)
    except redis.ResponseError as error:
        log.warning("the broker makes no user for %s, devices share one: %s", device, error)
        return shared
    except redis.RedisError as error:
        log.warning("the broker does not answer; %s gets its user at its next heartbeat: %s", device, error)
    parts = urlsplit(shared)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user_name(device.pk)}:{password}@{place}"))


def grant(device: Device) -> None:
    """Make or renew the device's user, with a password for each live credential. Raises redis.RedisError."""
    client = _client()
    client.script_load(Lock.LUA_RELEASE_SCRIPT)
    passwords = [f"#{digest}" for digest in _digests(device)]
    prefix = key_prefix(device.pk)
    client.execute_command(
        "ACL", "SETUSER", user_name(device.pk), "reset", "on", *passwords, f"~{prefix}*", f"&{prefix}*", *RIGHTS
    )
    _save_users(client)


def ensure(device: Device) -> bool:
    """Make the device's user again when the broker lost it or holds other passwords; whether it had to be done."""
    try:
        user: Any = _client().acl_getuser(user_name(device.pk))
        if user is not None and set(user["passwords"]) == {f"#{digest}" for digest in _digests(device)}:
            return False
        grant(device)
    except redis.RedisError as error:
        log.info("users of the broker were not looked at: %s", error)
        return False
    return True


def withdraw(device_id: int) -> None:
    """Delete the device's user; the broker closes its connections at once. Never raises."""
    try:
        client = _client()
        client.execute_command("ACL", "DELUSER", user_name(device_id))
        _save_users(client)
    except redis.RedisError as error:
        log.warning("the broker's user of device %s could not be deleted: %s", device_id, error)


def _save_users(client: redis.Redis) -> None:
    """Keep the users over a restart, where the broker has a file for them; elsewhere `ensure` makes them again."""
    with contextlib.suppress(redis.ResponseError):
        client.execute_command("ACL", "SAVE")


def _digests(device: Device) -> list[str]:
    from devices.agent_auth import live_credentials

    own = live_credentials().filter(device=device).exclude(broker_digest="")
    return list(own.values_list("broker_digest", flat=True))


def _public_address(asked_host: str) -> str:
    """`FLEETUNE_BROKER_PUBLIC_URL`, or the server's own address when that is not set (devices of this machine only)."""
    public = settings.FLEETUNE_BROKER_PUBLIC_URL
    if not public:
        return broker_address(settings.REDIS_URL)
    parts = urlsplit(public)
    if parts.hostname not in NOT_AN_ADDRESS or asked_host in {"", *NOT_AN_ADDRESS}:
        return public
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(parts.hostname, asked_host)))


def _client() -> redis.Redis:
    """Answers within about a second or raises: a heartbeat waits for it."""
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.7, socket_connect_timeout=0.3, retry=once, decode_responses=True
    )
