"""`make up`: everything of Fleetune on this machine, kept alive in the foreground until Ctrl-C.

A story in five parts: check → broker → database and demo → processes → keep. The keeper starts every process in a
session of its own, restarts what dies, and leaves nothing behind when it ends.
"""

import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import broker  # noqa: E402 - found through the path above
from config.keeper import Keeper, NotReady, Part, wait_for  # noqa: E402
from config.leftovers import end_leftovers  # noqa: E402

READY_WITHIN_S = 120
REVOKED = 3
"""an agent ends with this when its device was removed from the server"""
HOME = Path(os.environ.get("FLEETUNE_HOME", ROOT / "var")).resolve()
HOST = os.environ.get("FLEETUNE_HOST", "127.0.0.1")
PORT_TEXT = os.environ.get("FLEETUNE_PORT", "8000")
PORT = int(PORT_TEXT) if PORT_TEXT.isdecimal() else 0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class CannotStart(Exception):
    """One sentence: what is in the way and what to do."""


def main() -> int:
    began = time.monotonic()
    try:
        lock = check()
        return run(began, lock)
    except (CannotStart, NotReady) as why:
        print(f"Fleetune cannot start: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def check():
    """Nobody else in this home, the port is free, the address is allowed. Returns the lock to hold.

    Where nothing was started before the port comes first: a start that is refused leaves nothing behind.
    """
    check_address()
    if not (HOME / "up.lock").exists():
        check_port()
    lock = take_home()
    check_port()
    return lock


def check_address() -> None:
    if not 0 < PORT < 65_536:
        raise CannotStart(f"FLEETUNE_PORT={PORT_TEXT} is no port. Set it to a number from 1 to 65535.")
    if HOST not in LOOPBACK and os.environ.get("FLEETUNE_ALLOW_PLAIN_HTTP") != "1":
        raise CannotStart(
            f"FLEETUNE_HOST={HOST} would serve plain HTTP beyond this machine. Put TLS in front, or set "
            "FLEETUNE_ALLOW_PLAIN_HTTP=1 on a network you trust."
        )


def check_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError as error:
            raise CannotStart(
                f"{HOST}:{PORT} cannot be used ({error.strerror}). Set FLEETUNE_PORT to another port."
            ) from error


def take_home():
    HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = open(HOME / "up.lock", "w")  # noqa: SIM115 - held until the process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise CannotStart(
            f"it already runs with FLEETUNE_HOME={HOME}. Stop that one or choose another home."
        ) from error
    return lock


def run(began: float, lock) -> int:
    os.environ.update(environment())
    keeper = Keeper(HOME / "logs")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: keeper.stop())
    try:
        way_in = start_parts(keeper, began)
        announce(began, keeper, way_in)
        keeper.keep()
    finally:
        say(began, "stopping")
        end(keeper)
        lock.close()
    return 1 if keeper.failed else 0


def end(keeper: Keeper) -> None:
    """Control first, so that running jobs reach a checkpoint; then agents and what they leave; web and broker last."""
    keeper.end([part for part in keeper.parts if part.name == "control"], within=4.5)
    ranks = threading.Thread(target=end_leftovers, args=[HOME / "devices"])
    ranks.start()
    keeper.end([part for part in keeper.parts if part.name not in {"web", "broker"}], within=2.0)
    ranks.join()
    keeper.end(keeper.parts, within=1.0)


def environment() -> dict[str, str]:
    """What every process of this home is told."""
    port = broker.port_of(HOME, PORT)
    own = f"redis://:{broker.password_of(HOME)}@127.0.0.1:{port}/0"
    reachable = "127.0.0.1" if HOST in LOOPBACK or HOST == "0.0.0.0" else HOST  # noqa: S104 - compared, not bound
    return {
        "FLEETUNE_HOME": str(HOME),
        "REDIS_URL": os.environ.get("REDIS_URL") or own,
        "FLEETUNE_BROKER_PUBLIC_URL": os.environ.get("FLEETUNE_BROKER_PUBLIC_URL") or f"redis://{reachable}:{port}/0",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
    }


def start_parts(keeper: Keeper, began: float) -> str:
    """Every process, in order. The line that says how to sign in."""
    python = sys.executable
    if "127.0.0.1" in os.environ["REDIS_URL"]:
        keeper.start(Part("broker", start=lambda log: broker.start(HOME, HOST, broker.port_of(HOME, PORT), log)))
    say(began, "database, static files and accounts")
    first = [python, "-m", "config.first_things"]
    done = subprocess.run(first, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    if done.returncode:
        raise CannotStart("the database could not be set up; the lines above say why.")
    *told, way_in = done.stdout.splitlines()
    print(*told, sep="\n", end="\n" if told else "", flush=True)
    say(began, "web server, control, server worker")
    uvicorn = "uvicorn config.asgi:application --log-level warning --no-server-header --ws-max-size 65536"
    uvicorn += " --timeout-graceful-shutdown 1 --ws-ping-timeout 60"
    keeper.start(Part("web", [python, "-m", *uvicorn.split(), "--host", HOST, "--port", str(PORT)]))
    keeper.start(Part("control", [python, "manage.py", "control"]))
    keeper.start(Part("server-worker", [python, "manage.py", "server_worker"]))
    for home in joined_homes() or join(keeper, began):
        point_at_us(home)
        keeper.start(Part(home.name, [python, "-m", "agent", "run", "--home", str(home)], final_code=REVOKED))
    return way_in


def point_at_us(home: Path) -> None:
    """Tell a device of this machine where its server is now: address and port may be others than last time."""
    path = home / "agent.json"
    device = json.loads(path.read_text())
    if device["server"] != server_url():
        path.write_text(json.dumps(device | {"server": server_url()}, indent=2))


def joined_homes() -> list[Path]:
    """One directory per device of this machine."""
    return sorted(path.parent for path in (HOME / "devices").glob("*/agent.json"))


def join(keeper: Keeper, began: float) -> list[Path]:
    """The first time this machine joins its own server, like any other host."""
    wait_for(keeper, health, READY_WITHIN_S)
    say(began, "this machine joins as a host")
    token = subprocess.run(
        [sys.executable, "manage.py", "join_token", "--host", socket.gethostname()],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    join = [sys.executable, *["-m", "agent", "join", "--server"], server_url(), "--token", token]
    join += ["--home", str(HOME / "devices"), "--name", socket.gethostname()]
    join += ["--cpu-devices", os.environ.get("FLEETUNE_CPU_DEVICES", "2")]
    if subprocess.run(join, cwd=ROOT, start_new_session=True).returncode:
        raise CannotStart("this machine could not join its own server; the lines above say why.")
    return joined_homes()


def announce(began: float, keeper: Keeper, way_in: str) -> None:
    """Wait until every part answers, then print the one line that scripts wait for, and the way in."""
    wait_for(keeper, lambda: health(agents_of(keeper)), READY_WITHIN_S)
    say(began, f"{agents_of(keeper)} devices online")
    print(f"Fleetune is ready at {server_url()}", flush=True)
    print(way_in, flush=True)


def agents_of(keeper: Keeper) -> int:
    return sum(part.final_code == REVOKED for part in keeper.parts)


def health(agents: int = 0) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1" if HOST in LOOPBACK else HOST, PORT, timeout=2)
        connection.request("GET", "/healthz", headers={"Host": f"{HOST}:{PORT}"})
        answer = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return answer.get("status") == "ok" and answer["agents"]["online"] >= agents


def server_url() -> str:
    return f"http://{HOST}:{PORT}"


def say(began: float, text: str) -> None:
    print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
