"""A real S3 server on loopback, which checks every signature: rclone over a directory whose folders are buckets."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.stack import free_port
from tests.waiting import wait_until

ACCESS_KEY, SECRET_KEY = "AKIDOFTHETESTS", "a-secret-of-the-tests"


@dataclass
class Storage:
    directory: Path
    host: str

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def put(self, bucket: str, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            path = self.directory / bucket / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def asked(self, bucket: str, **more: str) -> dict[str, Any]:
        keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
        return {"bucket": bucket, "endpoint": self.url, **keys, **more}


@contextmanager
def storage(directory: Path) -> Iterator[Storage]:
    host = f"127.0.0.1:{free_port()}"
    rclone = str(Path(sys.executable).with_name("rclone"))
    options = ["--addr", host, "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--dir-cache-time", "0s", "--config", ""]
    server = subprocess.Popen(
        [rclone, "serve", "s3", *options, str(directory)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath},
    )
    try:
        wait_until(lambda: _answers(host), within=60)
        yield Storage(directory, host)
    finally:
        server.kill()
        server.wait()


def _answers(host: str) -> bool:
    try:
        return httpx.get(f"http://{host}/", timeout=2).status_code < 500
    except httpx.TransportError:
        return False
