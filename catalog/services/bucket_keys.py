"""Keys of a bucket while it is read: encrypted on this disk, for a copy that goes on after a restart, and then gone."""

import base64
import importlib.util
import json
from pathlib import Path

from django.utils.crypto import salted_hmac

from catalog.web.bucket_asked import Keys
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

FILE = "keys"
LIBRARIES = ("botocore", "cryptography")
NOT_INSTALLED = gettext_noop(
    "Reading S3 storage needs two packages more: run .venv/bin/pip install -c constraints.txt botocore cryptography, "
    "then start the server again."
)


def can_read_buckets() -> bool:
    return all(importlib.util.find_spec(name) for name in LIBRARIES)


def keep(directory: Path, keys: Keys) -> None:
    """What lies there is worth nothing without the server's SECRET_KEY."""
    text = json.dumps([keys.access_key, keys.secret_key])
    place = directory / FILE
    place.touch(mode=0o600)
    place.write_bytes(_cipher().encrypt(text.encode()))


def kept(directory: Path) -> Keys:
    """Raises Refused when they were encrypted with another SECRET_KEY."""
    from cryptography.fernet import InvalidToken

    try:
        return Keys(*json.loads(_cipher().decrypt((directory / FILE).read_bytes())))
    except (InvalidToken, FileNotFoundError) as error:
        sentence = gettext_noop("The keys of this storage cannot be opened any more. Import it again and give them.")
        raise Refused(sentence) from error


def forget(stored: Path) -> None:
    """Of whatever source: most have no keys, and some are a single file."""
    if stored.is_dir():
        (stored / FILE).unlink(missing_ok=True)


def _cipher():
    from cryptography.fernet import Fernet

    secret = salted_hmac("fleetune.catalog.bucket-keys", "", algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(secret))
