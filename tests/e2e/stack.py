"""A whole Fleetune of its own: `config/up.py` in a throw-away home on free ports, as a user would run it."""

import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
UNHURRIED = {"FLEETUNE_FAULT": "step:*:sleep=0.01"}
"""environment of a Fleetune whose jobs last without taking the processor from the tests beside them"""


class Stack:
    """Starts with `start()`, ends with `stop()` (SIGINT, as Ctrl-C) or as a context. `api(...)`: REST as an admin."""

    def __init__(self, home: Path, *, demo: bool, **environment: str):
        self.home = home
        self.host = environment.get("FLEETUNE_HOST", "127.0.0.1")
        self.port = free_port()
        own = {"FLEETUNE_HOME": str(home), "FLEETUNE_PORT": str(self.port), "FLEETUNE_DEMO": str(int(demo))}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLEETUNE", "DJANGO"))}
        self.environment = {**kept, **own, **environment}
        self.output = home / "up.txt"
        self.process: subprocess.Popen | None = None
        self.token = ""
        self.ready_after_s = 0.0

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def text(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def start(self, within: float = 90) -> "Stack":
        self.home.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "config/up.py"],
                cwd=ROOT, env=self.environment, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: "Fleetune is ready" in self.text or self.process.poll() is not None, within, self.text)
        assert self.process.poll() is None, self.text
        self.ready_after_s = time.monotonic() - began
        self.token = self.manage("create_token", "admin").strip()
        return self

    def manage(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def link(self) -> str:
        return re.findall(r"http://\S+/sign-in/\S+", self.text)[-1]

    def stop(self, number: int = signal.SIGINT, within: float = 20) -> None:
        """Users are promised 10 s."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        self.process.wait(within)

    def api(self, method: str, path: str, body=None, *, headers: dict | None = None):
        """(status, decoded body) of a REST call; bytes when the answer is not JSON."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=90)
        content = None if body is None else json.dumps(body)
        head = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})}
        connection.request(method, urllib.parse.quote(f"/api/v1{path}", safe="/?&=*:,"), content, head)
        answer = connection.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if "json" in answer.headers.get("Content-Type", "") else raw

    def upload(self, raw: bytes, file_name: str):
        """The same of a multipart form with `file` and, from the file's name, `name`: a dataset."""
        name, edge = file_name.rpartition(".")[0], secrets.token_hex(16)
        head = f'--{edge}\r\nContent-Disposition: form-data; name="name"\r\n\r\n{name}\r\n--{edge}\r\n'
        head += f'Content-Disposition: form-data; name="file"; filename="{file_name}"\r\n\r\n'
        body = head.encode() + raw + f"\r\n--{edge}--\r\n".encode()
        request = urllib.request.Request(f"{self.url}/api/v1/datasets/", body, method="POST")  # noqa: S310 - loopback
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", f"multipart/form-data; boundary={edge}")
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def dataset(self, slug: str) -> dict:
        return self.api("GET", f"/datasets/{slug}/")[1]

    def add_builtin(self, name: str, within: float) -> None:
        """Import a dataset that Fleetune brings, and wait until it can be trained on."""
        assert self.api("POST", "/datasets/", {"builtin": name})[0] == 202
        wait_until(
            lambda: self.dataset(name).get("state") == "ready",
            within, f"{name} is imported", every=0.2,
        )  # fmt: skip

    def job(self, number: int) -> dict:
        return self.api("GET", f"/jobs/{number}/")[1]

    def files(self, number: int) -> dict[str, dict]:
        """{name: artifact} of a job."""
        return {row["name"]: row for row in self.api("GET", f"/jobs/{number}/artifacts/")[1]["results"]}

    def download(self, file: dict) -> bytes:
        return self.api("GET", file["url"].split("/api/v1")[1] + "?download=1")[1]

    def submit(self, **spec) -> dict:
        status, job = self.api("POST", "/jobs/", spec)
        assert status == 201, job
        return job

    def ended(self, number: int, within: float, **more) -> dict:
        """The job once it has ended."""
        return wait_until(
            lambda: (job := self.job(number))["state"] in {"succeeded", "failed", "cancelled"} and job,
            within, f"job {number} ends", every=0.5, **more,
        )  # fmt: skip

    def living(self) -> list[int]:
        """Processes that name this home in their environment or command line."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                said = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if str(self.home).encode() in said and state != "Z":
                found.append(int(entry.name))
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
