"""Which objects of an S3-compatible storage somebody asks for, checked whole before anything is fetched.

s3: {"bucket", "prefix", "endpoint", "region", "access_key", "secret_key"}; only the bucket must be there. Without an
endpoint it is Amazon's own storage, without keys a bucket that everybody may read.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from catalog.web.addresses import NotFetched, checked_url
from contract.problems import Invalid, Problem, gettext_noop, unknown

FIELDS = ("bucket", "prefix", "endpoint", "region", "access_key", "secret_key")
PATTERNS = {
    "bucket": (r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]", gettext_noop("This is no name of a bucket.")),
    "region": (r"[a-z0-9-]{0,40}", gettext_noop("Write the region like eu-central-1.")),
    "access_key": (r"[\x21-\x7e]{0,200}", gettext_noop("A key has neither blanks nor accents.")),
    "secret_key": (r"[\x21-\x7e]{0,200}", gettext_noop("A key has neither blanks nor accents.")),
}
LONGEST_PREFIX = 900
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Keys:
    """What opens a bucket; never shown, and nowhere stored as it is."""

    access_key: str = ""
    secret_key: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.access_key)


@dataclass(frozen=True)
class AskedBucket:
    bucket: str
    prefix: str = ""
    """all objects whose keys begin so"""
    endpoint: str = ""
    """"" is Amazon's own storage"""
    region: str = DEFAULT_REGION

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    def name_of(self, key: str) -> str:
        """What an object is called here: its key without the folders of the prefix."""
        folders = self.prefix.rpartition("/")[0]
        return key[len(folders) :].lstrip("/")


def bucket(body: Any, hosts: Iterable[str] = ()) -> tuple[AskedBucket, Keys]:
    """`hosts` as in `addresses.checked_url`. Raises Invalid with every problem at once."""
    if not isinstance(body, dict):
        raise Invalid([Problem("s3", gettext_noop("Expected an object such as {'bucket': 'pictures'}."))])
    problems = [unknown(f"s3.{name}", str(name), FIELDS) for name in body if name not in FIELDS]
    given = {name: "" if body.get(name) is None else body[name] for name in FIELDS}
    problems += [
        Problem(f"s3.{name}", gettext_noop("Expected text.")) for name in given if not isinstance(given[name], str)
    ]
    if problems:
        raise Invalid(problems)
    given = {name: value if name == "prefix" else value.strip() for name, value in given.items()}
    problems += [
        Problem(f"s3.{name}", sentence)
        for name, (pattern, sentence) in PATTERNS.items()
        if not re.fullmatch(pattern, given[name])
    ]
    problems += [*_prefix_problems(given["prefix"]), *_endpoint_problems(given["endpoint"], hosts)]
    if bool(given["access_key"]) != bool(given["secret_key"]):
        missing = "secret_key" if given["access_key"] else "access_key"
        problems.append(Problem(f"s3.{missing}", gettext_noop("Give both keys, or none for a public bucket.")))
    if problems:
        raise Invalid(problems)
    asked = AskedBucket(given["bucket"], given["prefix"], given["endpoint"], given["region"] or DEFAULT_REGION)
    return asked, Keys(given["access_key"], given["secret_key"])


def _prefix_problems(prefix: str) -> list[Problem]:
    if len(prefix.encode("utf-8", "surrogatepass")) > LONGEST_PREFIX or not prefix.isprintable():
        sentence = gettext_noop("Expected the beginning of a key, at most %(most)s bytes.")
        return [Problem("s3.prefix", sentence, {"most": LONGEST_PREFIX})]
    return []


def _endpoint_problems(endpoint: str, hosts: Iterable[str]) -> list[Problem]:
    if not endpoint:
        return []
    try:
        url = checked_url(endpoint, hosts)
    except NotFetched as refused:
        return [Problem("s3.endpoint", refused.sentence, refused.params)]
    if url.query or url.path not in ("", "/"):
        return [Problem("s3.endpoint", gettext_noop("Expected only a host, such as https://storage.example.org."))]
    return []
