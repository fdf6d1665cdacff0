"""Sources of data on the web: a file, a list of addresses, a crawl, a bucket. Off until an admin switches it on."""

import json
import secrets
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts import server_settings
from catalog import places
from catalog.services import bucket_keys
from catalog.services.sources import OF_ADDRESSES, OF_BUCKETS, OF_THE_WEB, Source
from catalog.web import asked, bucket_asked
from catalog.web.addresses import NotFetched, checked_url
from contract.problems import Invalid, Problem, gettext_noop

ASKED = "asked.json"
NAMES = ("url", "urls", "crawl", "s3")
VERSION = "0.1"
OFF = gettext_noop("Importing from URLs is off on this server. Ask an admin.")


def is_on() -> bool:
    return bool(server_settings.value_of("url_import"))


def hosts() -> frozenset[str]:
    """Hosts inside private networks that an admin allows, as `addresses.checked_url` takes them."""
    return frozenset(server_settings.value_of("web_hosts").split())


def agent() -> str:
    """How the fetcher calls itself; with a way to reach whoever runs it, when an admin has said one."""
    contact = " ".join(server_settings.value_of("web_contact").split())
    return f"Fleetune/{VERSION} ({contact})" if contact else f"Fleetune/{VERSION}"


def source(body: dict[str, Any]) -> Source:
    """Of a body that holds one of NAMES. Raises Invalid, and PermissionDenied while fetching is off."""
    if not is_on():
        raise PermissionDenied(_(OFF))
    name = next((name for name in NAMES if body.get(name)), None) or next(name for name in NAMES if name in body)
    if name == "url":
        return _file(body["url"])
    if name == "crawl":
        found = asked.crawl(body["crawl"], hosts())
        return _kept(found, {"crawl": {key: value for key, value in found.to_json().items() if key != "follow"}})
    if name == "s3":
        return _bucket(body["s3"])
    found = asked.url_list(body["urls"], body.get("take"), hosts())
    return _kept(found, {"urls": len(found.start), "take": found.take})


def is_web(source: Source) -> bool:
    return any(name in source for name in NAMES)


def is_items(source: Source) -> bool:
    """Whether what is fetched are items with labels, and no file."""
    return "crawl" in source or "urls" in source


def is_bucket(source: Source) -> bool:
    return "s3" in source


def asked_of(source: Source) -> dict[str, Any]:
    return json.loads((_directory(source) / ASKED).read_text(encoding="utf-8"))


def name_of(source: Source) -> str:
    """What people would call it: the host, or the file's name."""
    if is_bucket(source):
        return Path(source["s3"]["prefix"]).stem or source["s3"]["bucket"]
    url = checked_url(source.get("url") or source["first"], hosts())
    return Path(url.path).stem if "url" in source and Path(url.path).stem else url.host


def _file(address: Any) -> Source:
    if not isinstance(address, str):
        raise Invalid([Problem("url", gettext_noop("Expected an address."))])
    try:
        url = str(checked_url(address, hosts()))
    except NotFetched as refused:
        raise Invalid([Problem("url", refused.sentence, refused.params)]) from refused
    return {"url": url, "stored": f"{OF_ADDRESSES}{secrets.token_hex(16)}"}


def _bucket(body: Any) -> Source:
    if not bucket_keys.can_read_buckets():
        raise Invalid([Problem("s3", bucket_keys.NOT_INSTALLED)])
    found, keys = bucket_asked.bucket(body, hosts())
    source: Source = {"s3": found.to_json(), "stored": f"{OF_BUCKETS}{secrets.token_hex(16)}"}
    _directory(source).mkdir(mode=0o700)
    bucket_keys.keep(_directory(source), keys)
    return source


def _kept(found: asked.Asked, shown: Source) -> Source:
    source = shown | {"first": found.start[0]["url"], "stored": f"{OF_THE_WEB}{secrets.token_hex(16)}"}
    _directory(source).mkdir(mode=0o700)
    (_directory(source) / ASKED).write_text(json.dumps(found.to_json()), encoding="utf-8")
    return source


def _directory(source: Source) -> Path:
    return places.upload(source["stored"])
