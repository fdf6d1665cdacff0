"""An S3-compatible storage, read through the same door as the web: botocore signs and understands, the guard connects.

botocore is optional (`pip install` of the extra `s3`), so it is imported where it is needed only.
"""

import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from catalog.web.addresses import NotFetched
from catalog.web.bucket_asked import AskedBucket, Keys
from catalog.web.guard import Guard, NoAnswer
from contract.problems import gettext_noop

PART_BYTES = 8 * 2**20
"""of one request; a process that is killed asks for no more than this again"""
TRIES, PAUSE_S = 4, 1.0
NO_FILES_OF_THE_USER = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
"""whoever runs the server may have keys of their own there"""
SENTENCES = {
    "NoSuchBucket": gettext_noop("The storage has no bucket '%(bucket)s'."),
    "NoSuchKey": gettext_noop("An object was removed while the bucket was read. Import it again."),
    "PreconditionFailed": gettext_noop("An object was changed while the bucket was read. Import it again."),
    "412": gettext_noop("An object was changed while the bucket was read. Import it again."),
}
CLOSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "Forbidden", "AllAccessDisabled")
T = TypeVar("T")


@dataclass(frozen=True)
class Object:
    key: str
    bytes: int
    etag: str
    """of its content: another one means that it was changed meanwhile"""


class Bucket:
    """`guard` makes every connection, so no address is asked that the web sources may not ask. Thread-safe."""

    def __init__(self, asked: AskedBucket, keys: Keys, guard: Guard):
        self._asked = asked
        self._guard = guard
        self._client = _client(asked, keys)
        self._client.meta.events.register("before-send.s3", self._send)

    def objects(self) -> Iterator[Object]:
        """All that lies below the prefix, but for markers of folders. Raises NotFetched."""
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(**self._where(), Prefix=self._asked.prefix))
        while (page := self._tried(lambda: next(pages, None))) is not None:
            for found in page.get("Contents", []):
                if not found["Key"].endswith("/"):
                    yield Object(found["Key"], found["Size"], found.get("ETag", ""))

    def part(self, wanted: Object, start: int) -> bytes:
        """At most PART_BYTES of an object from `start` on. Raises NotFetched, also when it was changed."""
        last = min(start + PART_BYTES, wanted.bytes) - 1
        told: dict[str, Any] = {"Key": wanted.key, "Range": f"bytes={start}-{last}"}
        if wanted.etag:
            told["IfMatch"] = wanted.etag
        answer = self._tried(lambda: self._client.get_object(**self._where(), **told))
        data = answer["Body"].read()
        if len(data) != last - start + 1 or _bare(answer.get("ETag", "")) != _bare(wanted.etag):
            raise NotFetched(SENTENCES["PreconditionFailed"])  # not every storage looks at IfMatch
        return data

    def _where(self) -> dict[str, str]:
        return {"Bucket": self._asked.bucket}

    def _tried(self, ask: Callable[[], T]) -> T:
        """Again when nobody answered: one request in thousands fails on any network."""
        from botocore.exceptions import BotoCoreError, ClientError

        for pause in range(1, TRIES + 1):
            try:
                return ask()
            except NoAnswer:
                if pause == TRIES:
                    raise
                time.sleep(PAUSE_S * pause)
            except ClientError as error:
                raise self._refused(error) from error
            except BotoCoreError as error:
                sentence = gettext_noop("The storage does not answer as S3 does (%(detail)s).")
                raise NotFetched(sentence, detail=str(error)[:120]) from error
        raise AssertionError("the last try ended")

    def _refused(self, error: Any) -> NotFetched:
        code = str(error.response.get("Error", {}).get("Code", ""))[:80]
        if code in CLOSED:
            sentence = gettext_noop("The storage does not let these keys read the bucket (%(code)s).")
            return NotFetched(sentence, code=code)
        if code in SENTENCES:
            return NotFetched(SENTENCES[code], bucket=self._asked.bucket)
        return NotFetched(gettext_noop("The storage refused to answer (%(code)s)."), code=code)

    def _send(self, request: Any, **_: Any) -> Any:
        """Instead of botocore's own connection."""
        from botocore.awsrequest import AWSResponse
        from botocore.compat import HTTPHeaders

        headers = {name: _text(value) for name, value in request.headers.items()}
        answer = self._guard.once(request.url, headers, PART_BYTES + 2**20)
        kept = HTTPHeaders()
        for name, value in answer.headers.items():
            kept[name] = value
        return AWSResponse(request.url, answer.status, kept, _Raw(answer.body))


class _Raw(io.BytesIO):
    """A body as botocore reads it from its own connections."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _client(asked: AskedBucket, keys: Keys) -> Any:
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.session import Session

    os.environ.update(NO_FILES_OF_THE_USER)
    signed: dict[str, Any] = {} if keys else {"signature_version": UNSIGNED}
    config = Config(
        **signed,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        s3={"addressing_style": "path" if asked.endpoint else "auto"},
        response_checksum_validation="when_required",
        user_agent_extra="Fleetune",
    )
    return Session().create_client(
        "s3",
        region_name=asked.region,
        endpoint_url=asked.endpoint or None,
        aws_access_key_id=keys.access_key or None,
        aws_secret_access_key=keys.secret_key or None,
        config=config,
    )


def _bare(etag: str) -> str:
    """Some storages put it into quotation marks in one answer and not in the other."""
    return etag.strip('"')


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)
