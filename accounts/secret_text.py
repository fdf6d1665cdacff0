"""Secrets that are shown once: random text with a prefix that says what it is. Only digests are stored."""

import hashlib
import hmac
import secrets

TOKEN_PREFIX = "flt_"  # noqa: S105 - a prefix, not a secret
CREDENTIAL_PREFIX = "fld_"
ENROLMENT_PREFIX = "fle_"


def fresh(prefix: str = "") -> str:
    """`prefix` and 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """SHA-512 in hex. No salt: the text is random, so a digest is looked up by equality."""
    return hashlib.sha512(text.encode()).hexdigest()


def matches(text: str, stored: str) -> bool:
    """Whether `stored` is the digest of `text`, in the same time for every answer."""
    return hmac.compare_digest(digest(text), stored)
