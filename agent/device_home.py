"""The directory of one device on its host: who it is, its credential, and where things lie."""

import fcntl
import os
from dataclasses import asdict, dataclass, field, fields
from gettext import gettext as _
from pathlib import Path

from contract.run_dir import RunDir, attempt_dir, errand_dir, read_json, write_json


@dataclass(frozen=True)
class Device:
    """`agent.json`, 0600 because the broker's address holds the device's own password."""

    server: str
    id: int
    slug: str
    queue: str
    broker_url: str
    key_prefix: str
    kind: str = "cpu"
    index: int = 0
    cores: list[int] = field(default_factory=list)
    host: str = ""
    fabric_address: str = ""
    """where other ranks reach this device; empty = the address from which it reaches the server"""
    server_home: str = ""
    """the server's FLEETUNE_HOME when it lies on this host: files are linked from there instead of copied"""
    tls_fingerprint: str = ""
    """SHA-256 of the server's certificate, to trust it without an authority"""


@dataclass(frozen=True)
class DeviceHome:
    """Paths of one device, and its two small files."""

    path: Path

    def device(self) -> Device:
        """Raises FileNotFoundError when no device was joined here."""
        body = read_json(self.path / "agent.json")
        if body is None:
            raise FileNotFoundError(_("no device has joined in %(home)s") % {"home": self.path})
        known = {item.name for item in fields(Device)}
        return Device(**{key: value for key, value in body.items() if key in known})

    def credential(self) -> str:
        return (self.path / "credential").read_text(encoding="ascii").strip()

    def save(self, device: Device, credential: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.save_credential(credential)
        write_json(self.path / "agent.json", asdict(device))
        os.chmod(self.path / "agent.json", 0o600)

    def save_credential(self, credential: str) -> None:
        """Replace the credential; a reader sees the old or the new one, nobody else sees either."""
        temporary = self.path / f"credential.tmp-{os.getpid()}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(credential + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path / "credential")

    def run_dir(self, kind: str, job: int, holder: int) -> RunDir:
        """Of an attempt or errand (`kind`) with the id `holder`."""
        return attempt_dir(self.path, job, holder) if kind == "attempt" else errand_dir(self.path, holder)

    def run_dirs(self) -> list[RunDir]:
        """Every attempt and errand that ever began here and has not been swept away."""
        attempts = sorted(self.path.glob("jobs/*/attempts/*"))
        errands = sorted(self.path.glob("errands/*"))
        return [RunDir(path) for path in (*attempts, *errands) if path.is_dir()]

    def data_dir(self, content_hash: str) -> Path:
        return self.path / "data" / content_hash

    def model_dir(self, content_hash: str) -> Path:
        """Of a registered model."""
        return self.path / "models" / content_hash

    def lock(self, name: str) -> int | None:
        """Take `<name>.lock`; the file descriptor that holds it, or None when another process does.

        A fork shares the descriptor, so `active.lock` stays taken until supervisor, rank and the rank's children
        are all gone.
        """
        handle = os.open(self.path / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle
