"""Hosts of their own on this machine: network namespaces that a bridge joins to ours. Needs root and iproute2."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

NOWHERE = "02:00:00:00:00:99"


@dataclass(frozen=True)
class Host:
    """One namespace: `link` is our end of its cable."""

    name: str
    link: str
    address: str

    def inside(self, *command: str) -> list[str]:
        """The command that runs `command` there."""
        return ["ip", "netns", "exec", self.name, *command]

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        run(f"ip link set {self.link} down")
        try:
            yield
        finally:
            run(f"ip link set {self.link} up")

    def end(self, process: subprocess.Popen) -> None:
        """End a process group that was started there, and whatever else lives there: only ours do."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        for pid in subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True).stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        process.wait(10)


@dataclass(frozen=True)
class Network:
    bridge: str
    here: str
    hosts: list[Host]


@contextmanager
def network(subnet: str, hosts: int = 1) -> Iterator[Network]:
    """`subnet`: "10.231.77", say. We are .1 there, the hosts are .2 and so on; gone afterwards."""
    token = secrets.token_hex(3)
    bridge, here = f"b{token}", f"{subnet}.1"
    with ExitStack() as afterwards:
        afterwards.callback(run, f"ip link delete {bridge}")
        run(f"ip link add {bridge} type bridge")
        run(f"ip addr add {here}/24 dev {bridge}")
        run(f"ip link set {bridge} up")
        there = [Host(f"ft{token}{n}", f"v{token}{n}", f"{subnet}.{n + 2}") for n in range(hosts)]
        for host in there:
            afterwards.callback(run, f"ip netns delete {host.name}")
            run(f"ip netns add {host.name}")
            run(f"ip link add {host.link} type veth peer name eth0 netns {host.name}")
            run(f"ip link set {host.link} master {bridge} up")
            run(f"ip -n {host.name} addr add {host.address}/24 dev eth0")
            run(f"ip -n {host.name} link set eth0 up")
            run(f"ip -n {host.name} link set lo up")
        yield Network(bridge, here, there)


@contextmanager
def deaf_to_each_other(one: Host, other: Host) -> Iterator[None]:
    """What either sends to the other is lost without a word; everybody else still hears both."""
    with deaf(one, other.address), deaf(other, one.address):
        yield


@contextmanager
def deaf(host: Host, address: str) -> Iterator[None]:
    """What the host sends to this address is lost, answers too."""
    run(f"ip -n {host.name} neigh replace {address} lladdr {NOWHERE} dev eth0 nud permanent")
    try:
        yield
    finally:
        run(f"ip -n {host.name} neigh del {address} dev eth0")


def run(command: str) -> None:
    subprocess.run(command.split(), check=True, capture_output=True)
