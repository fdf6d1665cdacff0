"""One device on a stage: its directory, its agent as a real process, and what of it lives."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

from agent.device_home import Device, DeviceHome
from agent.processes import Marked, marked_processes, session_members
from contract.run_dir import RunDir, read_json
from tests.agent.fake_server import CREDENTIAL, FakeServer

ROOT = Path(__file__).resolve().parents[2]
NO_BROKER = "redis://127.0.0.1:1/0"


class Stage:
    """`scale` shrinks the clockwork of agent, supervisor and rank together."""

    def __init__(self, path: Path, server: FakeServer, scale: float = 0.25, broker_url: str = NO_BROKER, **more):
        self.server, self.scale = server, scale
        self.home = DeviceHome(path)
        self.device = Device(
            server.url, 7, "stage-cpu-0", "device.7", broker_url, "fleetune:device:7:", cores=[0], host="stage", **more
        )
        self.home.save(self.device, CREDENTIAL)
        self.test_id = uuid.uuid4().hex
        self.agents: list[subprocess.Popen] = []
        self.output = path / "agent.log"

    def start_agent(self, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "agent", "run", "--home", str(self.home.path)]
        command += ["--preload", "agent.supervise", "--rank", "tests.agent.tiny_rank:main"]
        variables = {name: value for name, value in os.environ.items() if name != "FLEETUNE_HOME"}
        variables |= {"FLEETUNE_TIME_SCALE": str(self.scale), "FLEETUNE_TEST_ID": self.test_id, **environment}
        with open(self.output, "ab") as output:
            agent = subprocess.Popen(
                command, cwd=ROOT, env=variables, stdout=output, stderr=output, start_new_session=True
            )
        self.agents.append(agent)
        return agent

    def run(self, holder) -> RunDir:
        assignment = holder.assignment
        return self.home.run_dir(assignment["kind"], assignment["job"], assignment["id"])

    def identities(self, holder) -> dict:
        """`run.json`, {} while it has no rank."""
        body = read_json(self.run(holder).run) or {}
        return body if body.get("rank") else {}

    def marked(self) -> list[Marked]:
        return marked_processes(self.home.path)

    def session_of(self, pid: int) -> int:
        return len(session_members(pid))

    def living(self) -> list[int]:
        """Every process of this test, known by its own id."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if self.test_id.encode() in Path(f"/proc/{name}/environ").read_bytes():
                    found.append(int(name))
            except OSError:
                continue
        return found

    def said(self) -> str:
        """The logs of agent, supervisors and ranks, for a failed assertion."""
        logs = [self.output, *sorted(self.home.path.rglob("*.log"))]
        return "\n".join(f"--- {log}\n{log.read_text(errors='replace')[-4000:]}" for log in logs if log.exists())

    def end(self) -> None:
        for agent in self.agents:
            if agent.poll() is None:
                agent.kill()
            agent.wait()
        for pid in self.living():
            os.kill(pid, signal.SIGKILL)
