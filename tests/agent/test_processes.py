import json
import os
import signal
import subprocess
import sys

import pytest

from agent import processes
from contract.agent_calls import ProcessIdentity
from tests.waiting import wait_until


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_by_boot_number_and_start(child):
    identity = processes.identity_of(child.pid)
    assert processes.is_alive(identity)
    assert not processes.is_alive(ProcessIdentity(identity.boot_id, identity.pid, identity.start_ticks + 1))
    assert not processes.is_alive(ProcessIdentity("another boot", identity.pid, identity.start_ticks))
    assert processes.identity_of(2**22 + 5) is None


def test_a_number_that_belongs_to_another_process_is_not_signalled(child):
    identity = processes.identity_of(child.pid)
    stranger = ProcessIdentity(identity.boot_id, identity.pid, identity.start_ticks - 7)
    assert not processes.send(stranger, signal.SIGKILL)
    assert not processes.send(None, signal.SIGKILL)
    assert child.poll() is None
    assert processes.send(identity, signal.SIGKILL)
    assert child.wait(5) == -signal.SIGKILL


def test_a_zombie_is_not_alive(child):
    identity = processes.identity_of(child.pid)
    child.kill()
    wait_until(lambda: processes.state_letter(child.pid) == "Z", within=5)
    assert not processes.is_alive(identity)


def test_a_session_ends_with_all_its_children():
    code = (
        "import subprocess, time; subprocess.Popen(['sleep', '60']); subprocess.Popen(['sleep', '60']); time.sleep(60)"
    )
    leader = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    wait_until(lambda: len(processes.session_members(leader.pid)) == 3, within=5)
    wait_until(lambda: processes.end_session(leader.pid, within=2) or leader.poll() is not None, within=5)
    leader.wait(5)
    assert processes.session_members(leader.pid) == []


def test_a_fork_shows_its_own_mark_and_its_starter_stays_blank(tmp_path):
    code = (
        "import json, os, sys, time\n"
        "from agent.processes import write_mark\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    write_mark('attempt-12')\n"
        "    grandchild = os.fork()\n"
        "    print(json.dumps([os.getpid(), os.environ['FLEETUNE_ATTEMPT']]), flush=True)\n"
        "    time.sleep(60)\n"
        "os.wait()\n"
    )
    blank = {processes.ATTEMPT_MARK: " " * processes.MARK_WIDTH, processes.HOME_MARK: str(tmp_path), "ZZZ": "kept"}
    starter = subprocess.Popen(
        [sys.executable, "-c", code], env={"PATH": os.environ["PATH"], **blank}, stdout=subprocess.PIPE, text=True
    )
    try:
        pids = {json.loads(starter.stdout.readline())[0] for _ in range(2)}
        marked = processes.marked_processes(tmp_path)
        assert {item.identity.pid for item in marked} == pids
        assert {item.mark for item in marked} == {"attempt-12"}
        assert processes.marked_processes(tmp_path / "other") == []
        assert processes._environment(next(iter(pids)))["ZZZ"] == "kept"
        assert processes.end_marked(tmp_path, "attempt-13", within=0.1)
        assert len(processes.marked_processes(tmp_path)) == 2
        assert processes.end_marked(tmp_path, "attempt-12", within=5)
    finally:
        starter.kill()
        starter.wait()
